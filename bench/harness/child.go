//go:build linux

package harness

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"weir/bench/floor"
	"weir/bench/play"
)

// child is this command as a child of the benchmark: a server to compare with, or a load.
func child(ctx context.Context, name string, args []string) error {
	switch {
	case name == "load" && len(args) == 0:
		var spec play.Spec
		if err := json.NewDecoder(os.Stdin).Decode(&spec); err != nil {
			return err
		}
		r, err := play.Run(ctx, spec)
		if err != nil {
			return err
		}
		return json.NewEncoder(os.Stdout).Encode(r)
	case name == "bare" && len(args) == 1:
		ln, err := net.Listen("tcp", args[0])
		if err != nil {
			return err
		}
		return floor.Bare(ctx, ln)
	case name == "plain" && len(args) == 2:
		keep, err := time.ParseDuration(args[1])
		if err != nil {
			return err
		}
		ln, err := net.Listen("tcp", args[0])
		if err != nil {
			return err
		}
		return floor.Plain(ctx, ln, keep)
	case name == "relay" && len(args) == 2:
		keep, err := time.ParseDuration(args[1])
		if err != nil {
			return err
		}
		return floor.Relay(ctx, args[0], keep)
	}
	return fmt.Errorf("%s is for the benchmark's own children", name)
}

// A reference is a server of package floor in a process of its own, on the server's core.
type reference struct {
	*process
	address string
}

func (r *reference) url(path string) string { return "http://" + r.address + "/" + path }

// startReference starts "relay", "plain" or "bare".
func (b *bench) startReference(ctx context.Context, name string, args ...string) (*reference, error) {
	addresses, err := freePorts(1)
	if err != nil {
		return nil, err
	}
	r := &reference{address: addresses[0]}
	cmd := pinned(ctx, b.cpus.Server, b.self[0], append(append(b.self[1:len(b.self):len(b.self)], name, r.address), args...)...)
	cmd.Env = append(os.Environ(), "GOMAXPROCS=1")
	if r.process, err = start(name, cmd, b.log(name)); err != nil {
		return nil, err
	}
	err = eventually(ctx, 5*time.Second, func() error {
		if err := r.ended(); err != nil {
			return permanentError{err}
		}
		c, err := net.Dial("tcp", r.address)
		if err == nil {
			_ = c.Close()
		}
		return err
	})
	if err != nil {
		r.stop()
		return nil, err
	}
	return r, nil
}

// log is a file for a process's output that no other has.
func (b *bench) log(name string) string {
	f, err := os.CreateTemp(b.dir, name+"-*.log")
	if err != nil {
		return filepath.Join(b.dir, name+strconv.FormatInt(time.Now().UnixNano(), 36))
	}
	defer f.Close()
	return f.Name()
}

// load runs a load in a process of its own, on the load's core.
func (b *bench) load(ctx context.Context, spec play.Spec) (*play.Result, error) {
	text, err := json.Marshal(spec)
	if err != nil {
		return nil, err
	}
	cmd := pinned(ctx, b.cpus.Load, b.self[0], append(b.self[1:len(b.self):len(b.self)], "load")...)
	cmd.Env = append(os.Environ(), "GOMAXPROCS=1")
	var out, complaint bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = bytes.NewReader(text), &out, &complaint
	if err := cmd.Run(); err != nil {
		return nil, errors.Join(err, errors.New(complaint.String()))
	}
	r := new(play.Result)
	if err := json.Unmarshal(out.Bytes(), r); err != nil {
		return nil, err
	}
	return r, nil
}

// turns calls each function once a round, the order changing with each, and returns the first error.
func turns(ctx context.Context, rounds int, each ...func(round int) error) error {
	for round := range rounds {
		for i := range each {
			if err := each[(i+round)%len(each)](round); err != nil {
				return err
			}
			if ctx.Err() != nil {
				return ctx.Err()
			}
		}
	}
	return nil
}
