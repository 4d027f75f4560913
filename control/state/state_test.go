package state

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// childFolder tells a copy of the test binary to be the child of TestAcknowledgedSurvivesKill.
const childFolder = "WEIR_TEST_STATE_CHILD"

func TestMain(m *testing.M) {
	if folder := os.Getenv(childFolder); folder != "" {
		child(folder)
		return
	}
	os.Exit(m.Run())
}

// child creates records without end and prints each number once it is acknowledged.
func child(folder string) {
	ctx := context.Background()
	s, err := Open(ctx, Config{Folder: folder})
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	for i := 0; ; i++ {
		if _, created, err := s.Create(ctx, NewKey("n", strconv.Itoa(i)), []byte(strconv.Itoa(i))); err != nil || !created {
			fmt.Println("create", i, created, err)
			os.Exit(1)
		}
		fmt.Println(i)
	}
}

func open(t *testing.T, c Config) *Store {
	t.Helper()
	s, err := Open(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

func TestAcknowledgedSurvivesKill(t *testing.T) {
	folder := t.TempDir()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childFolder+"="+folder)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	acknowledged := -1
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		n, err := strconv.Atoi(lines.Text())
		if err != nil {
			t.Error(lines.Text())
			break
		}
		if acknowledged = n; n == 20 {
			cmd.Process.Kill() // SIGKILL, in the middle of the next writes
		}
	}
	cmd.Wait()
	if acknowledged < 20 {
		t.Fatalf("the child acknowledged %d records, want 20 at least", acknowledged)
	}
	s := open(t, Config{Folder: folder}) // the kernel gave the dead process's lock free
	for i := range acknowledged + 1 {
		got, err := s.Get(t.Context(), NewKey("n", strconv.Itoa(i)))
		if err != nil || string(got) != strconv.Itoa(i) {
			t.Fatalf("record %d of %d acknowledged: %q, %v", i, acknowledged, got, err)
		}
	}
}

func TestFirstWriterWins(t *testing.T) {
	first := open(t, Config{Folder: t.TempDir(), Listen: "127.0.0.1:0", Token: "secret"})
	second := open(t, Config{URL: "nats://" + first.Addr(), Token: "secret"})
	for round := range 20 {
		key := NewKey("race", strconv.Itoa(round))
		winners, created := [2]string{}, [2]bool{}
		var wg sync.WaitGroup
		for i, s := range []*Store{first, second} {
			wg.Go(func() {
				w, c, err := s.Create(t.Context(), key, fmt.Appendf(nil, "node %d", i))
				if err != nil {
					t.Error(err)
				}
				winners[i], created[i] = string(w), c
			})
		}
		wg.Wait()
		if winners[0] != winners[1] || created[0] == created[1] {
			t.Fatalf("round %d: winners %q, created %v: want one winner", round, winners, created)
		}
	}
	if _, err := Open(t.Context(), Config{URL: "nats://" + first.Addr(), Token: "wrong"}); err == nil {
		t.Error("a stranger without the token got in")
	}
}

func TestLog(t *testing.T) {
	s := open(t, Config{Folder: t.TempDir()})
	ctx, key := t.Context(), NewKey("channel", "a b", "joins")
	if entries, err := s.Log(ctx, key); err != nil || len(entries) != 0 {
		t.Fatalf("log before the first entry: %v, %v", entries, err)
	}
	if _, err := s.Newest(ctx, key); !errors.Is(err, ErrNotFound) {
		t.Fatalf("newest before the first entry: %v, want ErrNotFound", err)
	}
	var after uint64
	const n = logLength + 6
	for i := range n {
		if err := s.Append(ctx, key, after, []byte(strconv.Itoa(i))); err != nil {
			t.Fatal(err)
		}
		e, err := s.Newest(ctx, key)
		if err != nil || string(e.Value) != strconv.Itoa(i) {
			t.Fatalf("newest after %d: %q, %v", i, e.Value, err)
		}
		if err := s.Append(ctx, key, after, []byte("late")); !errors.Is(err, ErrConflict) {
			t.Fatalf("append behind the end: %v, want ErrConflict", err)
		}
		after = e.Revision
	}
	entries, err := s.Log(ctx, key)
	if err != nil || len(entries) != logLength {
		t.Fatalf("log has %d entries, %v; want the newest %d", len(entries), err, logLength)
	}
	for i, e := range entries {
		if want := strconv.Itoa(n - logLength + i); string(e.Value) != want {
			t.Fatalf("entry %d = %q, want %q", i, e.Value, want)
		}
	}
}

// A node is told of what stands under a prefix and of what another node writes there, in order, and of nothing else.
func TestWatch(t *testing.T) {
	first := open(t, Config{Folder: t.TempDir(), Listen: "127.0.0.1:0"})
	second := open(t, Config{URL: "nats://" + first.Addr()})
	if alone := open(t, Config{Folder: t.TempDir()}); alone.Shared() || !first.Shared() || !second.Shared() {
		t.Error("who shares a store?")
	}
	put := func(s *Store, parts ...string) {
		if _, _, err := s.Create(t.Context(), NewKey(parts...), []byte(parts[len(parts)-1])); err != nil {
			t.Error(err)
		}
	}
	put(first, "channel", "a.b", "join", "1")
	put(first, "channel", "a", "join", "7")
	ctx, stop := context.WithCancel(t.Context())
	told := make(chan string, 16)
	ended := make(chan error, 1)
	go func() {
		ended <- second.Watch(ctx, NewKey("channel", "a.b"), func(parts []string, value []byte) { told <- fmt.Sprint(parts, string(value)) })
	}()
	next := func(want string) {
		t.Helper()
		select {
		case got := <-told:
			if got != want {
				t.Errorf("told %s, want %s", got, want)
			}
		case <-time.After(10 * time.Second):
			t.Fatalf("not told of %s", want)
		}
	}
	next("[join 1]1")
	for i := 2; i < 12; i++ {
		put(first, "channel", "a.b", "handover", strconv.Itoa(i))
		put(first, "channel", "a.c", "handover", strconv.Itoa(i))
	}
	for i := 2; i < 12; i++ {
		next(fmt.Sprintf("[handover %d]%d", i, i))
	}
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

func TestListIsOrderedAndBounded(t *testing.T) {
	s := open(t, Config{Folder: t.TempDir()})
	ctx := t.Context()
	for _, parts := range [][]string{{"c", "x", "2"}, {"c", "x", "10"}, {"c", "x.y", "1"}, {"c", "xx", "1"}} {
		if _, _, err := s.Create(ctx, NewKey(parts...), []byte(strings.Join(parts, "/"))); err != nil {
			t.Fatal(err)
		}
	}
	got, err := s.List(ctx, NewKey("c", "x"))
	if err != nil {
		t.Fatal(err)
	}
	if s := fmt.Sprintf("%s", got); s != "[c/x/2 c/x/10]" {
		t.Errorf("list of c.x = %s", s)
	}
	if _, err := s.Get(ctx, NewKey("c", "y")); !errors.Is(err, ErrNotFound) {
		t.Errorf("get of nothing: %v, want ErrNotFound", err)
	}
}

func TestFolderLock(t *testing.T) {
	folder := t.TempDir()
	open(t, Config{Folder: folder})
	_, err := Open(t.Context(), Config{Folder: folder})
	want := fmt.Sprintf("data folder %s is in use by another weir (process %d)", folder, os.Getpid())
	if err == nil || !strings.Contains(err.Error(), want) {
		t.Fatalf("second Open: %v\nwant: … %s", err, want)
	}
}

func TestSchemaMismatch(t *testing.T) {
	folder := t.TempDir()
	s, err := Open(t.Context(), Config{Folder: folder})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.kv.Put(t.Context(), "schema", []byte(`{"schema":99}`)); err != nil {
		t.Fatal(err)
	}
	s.Close()
	start := time.Now()
	_, err = Open(t.Context(), Config{Folder: folder})
	if err == nil || !strings.Contains(err.Error(), "the store has schema 99 and this weir reads schema 1") {
		t.Fatalf("Open of another schema: %v", err)
	}
	if took := time.Since(start); took > openTimeout/2 {
		t.Errorf("a mismatch was tried again for %v", took)
	}
}

func TestSharedStoreComesBack(t *testing.T) {
	folder := t.TempDir()
	shared, err := Open(t.Context(), Config{Folder: folder, Listen: "127.0.0.1:0"})
	if err != nil {
		t.Fatal(err)
	}
	address := shared.Addr()
	s := open(t, Config{URL: "nats://" + address})
	shared.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	if _, _, err := s.Create(ctx, NewKey("a"), []byte("1")); err == nil {
		t.Fatal("create succeeded without a server")
	}
	open(t, Config{Folder: folder, Listen: address})
	if err := retry(t.Context(), func() error { return s.Ready(t.Context()) }); err != nil {
		t.Fatal(err)
	}
	// The first try may have been sent on reconnecting: whatever stands, it is the same for all.
	if w, _, err := s.Create(t.Context(), NewKey("a"), []byte("1")); err != nil || string(w) != "1" {
		t.Fatalf("create after the reconnect: %q, %v", w, err)
	}
}

func TestKeys(t *testing.T) {
	cases := map[string][]string{
		"channel.demo.generation.0": {"channel", "demo", "generation", "0"},
		"a=2eb":                     {"a.b"},
		"a.b":                       {"a", "b"},
		"=":                         {""},
		"=3d":                       {"="},
		"=c3=bc=20=2a=3e":           {"ü *>"},
	}
	for want, parts := range cases {
		if got := NewKey(parts...); string(got) != want {
			t.Errorf("NewKey(%q) = %s, want %s", parts, got, want)
		}
	}
}
