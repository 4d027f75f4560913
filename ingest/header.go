package ingest

import (
	"fmt"
	"slices"
	"strconv"

	"weir/media"
)

// setHeader takes a moov. The same header again changes nothing; another one re-opens the stream's tracks.
func (conn *Conn) setHeader(moov []byte) error {
	header, err := media.ParseInit(moov)
	if err != nil {
		return err
	}
	c := conn.s.c
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := conn.declare(header, 0); err != nil {
		return err
	}
	conn.keep(moov)
	conn.s.openInputs()
	c.apply()
	return nil
}

// declare gives the stream the tracks of a header, and what the connection says beside it. With a clock they come frame by
// frame (Frames). The caller opens the inputs. Called with mu held.
func (conn *Conn) declare(header []media.Input, clock uint64) error {
	s := conn.s
	s.hints[InBody] = conn.beside
	descs := s.described(header)
	names := s.trackNames(descs)
	if !s.same(descs, names) || s.clock != clock {
		if err := s.replaceInputs(descs, names); err != nil {
			return err
		}
	}
	s.header, s.clock = header, clock
	conn.idle = s.patience()
	return nil
}

// replaceInputs gives the stream the tracks of another header. Called with mu held.
func (s *Stream) replaceInputs(descs []media.Input, names []string) error {
	c := s.c
	inputs := make([]*input, len(descs))
	for i := range descs {
		t, err := c.trackFor(names[i], descs[i].Kind)
		if err != nil {
			return fmt.Errorf("track %s: %w", names[i], err)
		}
		inputs[i] = &input{track: t, desc: &descs[i], scheme: s.scheme(descs, i)}
	}
	s.warnOfOthers(inputs)
	s.closeInputs()
	s.inputs = inputs
	if s.arena != nil { // sized and admitted by the old header's bitrate
		s.arena.Close()
		s.arena = nil
	}
	for _, in := range inputs {
		in.track.describe(in.desc)
		c.publishInit(in.track)
		c.log.Info("input", "track", in.track.name, "stream", s.name, "source", s.source, "codec", in.desc.Codec, "timescale", in.desc.Timescale)
	}
	return nil
}

// warnOfOthers tells where another stream that is being fed brings a track of the same name and another decoder
// configuration: these are two tracks, and their encoder names them alike. Called with mu held.
func (s *Stream) warnOfOthers(inputs []*input) {
	for _, other := range s.c.streams {
		if other == s || !other.open || !other.fed() {
			continue
		}
		for _, theirs := range other.inputs {
			for _, in := range inputs {
				if in.track == theirs.track && in.desc.ConfigHash != theirs.desc.ConfigHash && other.source != s.source {
					s.c.log.Warn("two sources of a track differ in their configuration: to go over from one to the other opens a generation",
						"track", in.track.name, "source", s.source, "other", other.source)
				} else if in.track == theirs.track && in.desc.ConfigHash != theirs.desc.ConfigHash {
					s.c.log.Warn("two streams bring tracks of one name that differ: the newest is used; give them different names or bitrates",
						"track", in.track.name, "stream", s.name, "other", other.name)
				}
			}
		}
	}
}

// redescribe applies hints that came after the header. The tracks keep their names, their media and their connections.
// Called with mu held.
func (s *Stream) redescribe() {
	c := s.c
	descs := s.described(s.header)
	inputs := make([]*input, len(descs))
	for i, in := range s.inputs {
		inputs[i] = &input{id: in.id, track: in.track, desc: &descs[i], scheme: s.scheme(descs, i)} // others may be reading the old one
		in.track.describe(&descs[i])
		c.publishInit(in.track)
	}
	s.inputs = inputs
	if s.open {
		for _, in := range inputs {
			if in.id == 0 {
				continue
			}
			c.tl.Describe(c.deps.Now(), in.id, in.desc.ConfigHash)
		}
	}
	s.remember()
	c.apply()
}

// same tells whether the stream's tracks are these already.
func (s *Stream) same(descs []media.Input, names []string) bool {
	if len(s.inputs) != len(descs) {
		return false
	}
	for i, in := range s.inputs {
		d := &descs[i]
		if in.track.name != names[i] || in.desc.ID != d.ID || in.desc.ConfigHash != d.ConfigHash || in.desc.Timescale != d.Timescale ||
			in.desc.Shift != d.Shift || in.desc.Defaults != d.Defaults {
			return false
		}
	}
	return true
}

// trackNames names the tracks of one stream: by hints, else by the stream's own name where it has one track, else by that
// with kind and number. Names that are there twice get a number from the second on.
func (s *Stream) trackNames(descs []media.Input) []string {
	names := numbered(s.name, descs)
	for i := range descs {
		if hint := s.named(descs, i); hint != "" {
			names[i] = hint
		}
		for base, n := names[i], 2; slices.Contains(names[:i], names[i]); n++ {
			names[i] = base + "_" + strconv.Itoa(n)
		}
	}
	return names
}

func numbered(stream string, descs []media.Input) []string {
	if len(descs) == 1 {
		return []string{stream}
	}
	count, seen := map[media.Kind]int{}, map[media.Kind]int{}
	for i := range descs {
		count[descs[i].Kind]++
	}
	names := make([]string, len(descs))
	for i := range descs {
		kind := descs[i].Kind
		names[i] = stream + "_" + kind.String()
		if count[kind] > 1 {
			seen[kind]++
			names[i] += strconv.Itoa(seen[kind])
		}
	}
	return names
}
