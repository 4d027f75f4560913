package chunk

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
)

// A whole is a message put together from its pieces.
type whole struct {
	Header
	Payload string
}

// collect reads messages until the stream ends.
func collect(r *Reader) (list []whole, err error) {
	under := map[int]*whole{}
	for {
		p, err := r.Next()
		if err != nil {
			return list, err
		}
		m := under[p.Slot]
		switch {
		case p.Aborted && (m == nil || len(p.Bytes) > 0):
			return list, fmt.Errorf("aborted what had not begun: %+v", p)
		case p.Aborted:
			delete(under, p.Slot)
			continue
		case p.First == (m != nil):
			return list, fmt.Errorf("first piece out of place: %+v", p)
		case m == nil:
			m = &whole{Header: p.Header}
			under[p.Slot] = m
		case m.Header != p.Header:
			return list, fmt.Errorf("header changed within a message: %+v, %+v", m.Header, p.Header)
		}
		m.Payload += string(p.Bytes)
		if len(m.Payload) > p.Length || p.Last != (len(m.Payload) == p.Length) {
			return list, fmt.Errorf("%d bytes of a message of %d, last: %v", len(m.Payload), p.Length, p.Last)
		}
		if p.Last {
			list = append(list, *m)
			delete(under, p.Slot)
		}
	}
}

func TestForms(t *testing.T) {
	long := strings.Repeat("payload ", 100)
	for name, script := range map[string]func(s *sender) []whole{
		"every form": func(s *sender) []whole {
			for form, ms := range []uint32{1000, 1040, 1080, 1120} {
				s.message(6, form, Header{Kind: Video, Stream: 1, Time: ms}, []byte(long))
			}
			return []whole{
				{Header{Video, 1, 1000, 800}, long},
				{Header{Video, 1, 1040, 800}, long},
				{Header{Video, 1, 1080, 800}, long},
				{Header{Video, 1, 1120, 800}, long},
			}
		},
		"form 3 right after form 0: its time is the difference": func(s *sender) []whole {
			s.message(4, 0, Header{Kind: Audio, Stream: 1, Time: 21}, []byte("a"))
			s.message(4, 3, Header{Kind: Audio, Stream: 1, Time: 42}, []byte("b"))
			return []whole{{Header{Audio, 1, 21, 1}, "a"}, {Header{Audio, 1, 42, 1}, "b"}}
		},
		"chunk streams of two and three bytes": func(s *sender) []whole {
			var want []whole
			for _, id := range []uint32{2, 63, 64, 319, 320, 65599} {
				s.message(id, 0, Header{Kind: Audio, Stream: 1, Time: id}, []byte(long))
				want = append(want, whole{Header{Audio, 1, id, 800}, long})
			}
			return want
		},
		"interleaved": func(s *sender) []whole {
			s.begin(6, 0, Header{Kind: Video, Stream: 1, Time: 5}, []byte(long))
			s.begin(4, 0, Header{Kind: Audio, Stream: 1, Time: 7}, []byte(long[:200]))
			s.control(WindowSize, 5000)
			s.next(6)
			s.next(4)
			s.message(4, 1, Header{Kind: Audio, Stream: 1, Time: 28}, []byte("x"))
			for s.next(6) {
			}
			return []whole{
				{Header{WindowSize, 0, 0, 4}, "\x00\x00\x13\x88"},
				{Header{Audio, 1, 7, 200}, long[:200]},
				{Header{Audio, 1, 28, 1}, "x"},
				{Header{Video, 1, 5, 800}, long},
			}
		},
		"extended times, repeated in form 3": func(s *sender) []whole {
			s.message(6, 0, Header{Kind: Video, Stream: 1, Time: 0xFFFFFF}, []byte(long))
			s.message(6, 1, Header{Kind: Video, Stream: 1, Time: 0x1FFFFFE}, []byte(long))
			s.message(6, 3, Header{Kind: Video, Stream: 1, Time: 0x2FFFFFD}, []byte(long))
			return []whole{
				{Header{Video, 1, 0xFFFFFF, 800}, long},
				{Header{Video, 1, 0x1FFFFFE, 800}, long},
				{Header{Video, 1, 0x2FFFFFD, 800}, long},
			}
		},
		"time wraps": func(s *sender) []whole {
			s.message(6, 0, Header{Kind: Video, Stream: 1, Time: 0xFFFFFFF0}, []byte("a"))
			s.message(6, 1, Header{Kind: Video, Stream: 1, Time: 0x18}, []byte("b"))
			return []whole{{Header{Video, 1, 0xFFFFFFF0, 1}, "a"}, {Header{Video, 1, 0x18, 1}, "b"}}
		},
		"chunk size": func(s *sender) []whole {
			s.control(SetChunkSize, 65536)
			s.message(6, 0, Header{Kind: Video, Stream: 1}, []byte(long))
			s.control(SetChunkSize, 1<<31-1)
			s.message(6, 0, Header{Kind: Video, Stream: 1}, []byte(long))
			return []whole{{Header{Video, 1, 0, 800}, long}, {Header{Video, 1, 0, 800}, long}}
		},
		"chunk size changes within a message": func(s *sender) []whole {
			s.begin(6, 0, Header{Kind: Video, Stream: 1}, []byte(long))
			s.control(SetChunkSize, 256)
			for s.next(6) {
			}
			return []whole{{Header{Video, 1, 0, 800}, long}}
		},
		"abort": func(s *sender) []whole {
			s.begin(6, 0, Header{Kind: Video, Stream: 1}, []byte(long))
			s.control(Abort, 6)
			s.control(Abort, 6)
			s.control(Abort, 77)
			s.message(6, 1, Header{Kind: Video, Stream: 1}, []byte("next"))
			return []whole{{Header{Video, 1, 0, 4}, "next"}}
		},
		"empty messages": func(s *sender) []whole {
			s.message(4, 0, Header{Kind: Audio, Stream: 1}, nil)
			s.message(4, 3, Header{Kind: Audio, Stream: 1}, nil)
			return []whole{{Header{Audio, 1, 0, 0}, ""}, {Header{Audio, 1, 0, 0}, ""}}
		},
		"form 1 on a new chunk stream": func(s *sender) []whole {
			s.out = append(s.out, 0x42, 0, 0, 0, 0, 0, 6, byte(UserControl), 0, 3, 0, 0, 0, 1)
			return []whole{{Header{UserControl, 0, 0, 6}, "\x00\x03\x00\x00\x00\x01"}}
		},
		"extended time that form 3 leaves out": func(s *sender) []whole {
			s.message(6, 0, Header{Kind: Video, Stream: 1, Time: 0x1234567}, []byte(long[:300]))
			lean := bytes.ReplaceAll(s.out, []byte("\xC6\x01\x23\x45\x67"), []byte("\xC6"))
			s.out = lean
			return []whole{{Header{Video, 1, 0x1234567, 300}, long[:300]}}
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSender()
			want := script(s)
			for how, r := range map[string]io.Reader{
				"at once": bytes.NewReader(s.out), "byte by byte": iotest.OneByteReader(bytes.NewReader(s.out)),
			} {
				got, err := collect(NewReader(r, 0))
				if err != io.EOF {
					t.Errorf("%s: %v", how, err)
				}
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("%s (-want +got)\n%s", how, diff)
				}
			}
		})
	}
}

var errHalt = errors.New("time-out")

// A passing error of the connection loses nothing, wherever it comes.
func TestPassingErrors(t *testing.T) {
	s := newSender()
	s.message(2, 0, Header{Kind: UserControl}, []byte("\x00\x06\x01\x02\x03\x04"))
	s.message(65599, 0, Header{Kind: Video, Stream: 1, Time: 0x1000000}, bytes.Repeat([]byte("v"), 300))
	s.message(65599, 3, Header{Kind: Video, Stream: 1, Time: 0x2000000}, bytes.Repeat([]byte("v"), 300))
	s.control(SetChunkSize, 4096)
	src := bytes.NewReader(s.out)
	errs := 0
	r := NewReader(readerFunc(func(p []byte) (int, error) {
		if errs++; errs%2 == 1 {
			return 0, errHalt
		}
		return src.Read(p[:1])
	}), 0)
	total := 0
	for {
		p, err := r.Next()
		if err == io.EOF {
			break
		}
		if err != nil && err != errHalt {
			t.Fatal(err)
		}
		total += len(p.Bytes)
	}
	if total != 606 {
		t.Errorf("%d bytes of payload, want 606", total)
	}
	if r.Received() != uint64(len(s.out)) {
		t.Errorf("received %d, want %d", r.Received(), len(s.out))
	}
}

type readerFunc func(p []byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

func TestRefused(t *testing.T) {
	for name, tc := range map[string]struct {
		bytes string
		want  error
	}{
		"chunk size 0":                 {"\x02\x00\x00\x00\x00\x00\x04\x01\x00\x00\x00\x00\x00\x00\x00\x00", ErrChunkSize},
		"chunk size 127":               {"\x02\x00\x00\x00\x00\x00\x04\x01\x00\x00\x00\x00\x00\x00\x00\x7F", ErrChunkSize},
		"chunk size with highest bit":  {"\x02\x00\x00\x00\x00\x00\x04\x01\x00\x00\x00\x00\x80\x00\x10\x00", ErrChunkSize},
		"form 3 first":                 {"\xC4abcdef", ErrHeader},
		"form 2 first":                 {"\x84\x00\x00\x01", ErrHeader},
		"control of no bytes":          {"\x02\x00\x00\x00\x00\x00\x00\x01\x00\x00\x00\x00", ErrControl},
		"control of many bytes":        {"\x02\x00\x00\x00\x00\x10\x00\x04\x00\x00\x00\x00", ErrControl},
		"message within a message":     {"\x04\x00\x00\x00\x00\x01\x00\x09\x01\x00\x00\x00" + strings.Repeat("x", 128) + "\x04", ErrUnfinished},
		"end in a header":              {"\x04\x00\x00", io.ErrUnexpectedEOF},
		"end in a message":             {"\x04\x00\x00\x00\x00\x00\x04\x09\x01\x00\x00\x00xx", io.ErrUnexpectedEOF},
		"end between chunks":           {"\x04\x00\x00\x00\x00\x01\x00\x09\x01\x00\x00\x00" + strings.Repeat("x", 128), io.ErrUnexpectedEOF},
		"end between messages":         {"\x04\x00\x00\x00\x00\x00\x01\x09\x01\x00\x00\x00x", io.EOF},
		"a message of control by size": {"\x02\x00\x00\x00\x00\x00\x05\x02\x00\x00\x00\x00abcde", ErrControl},
	} {
		r := NewReader(strings.NewReader(tc.bytes), 0)
		var err error
		for err == nil {
			_, err = r.Next()
		}
		if !errors.Is(err, tc.want) {
			t.Errorf("%s: %v, want %v", name, err, tc.want)
		}
	}
	s := newSender()
	for id := uint32(2); id < 2+MaxStreams+1; id++ {
		s.begin(id, 0, Header{Kind: Video, Stream: 1}, make([]byte, 200))
	}
	if _, err := collect(NewReader(bytes.NewReader(s.out), 0)); !errors.Is(err, ErrStreams) {
		t.Errorf("65 chunk streams: %v", err)
	}
	s = newSender()
	for range maxAborts + 1 {
		s.begin(6, 0, Header{Kind: Video, Stream: 1}, make([]byte, 200))
		s.control(Abort, 6)
	}
	if _, err := collect(NewReader(bytes.NewReader(s.out), 0)); !errors.Is(err, ErrAborts) {
		t.Errorf("abort after abort: %v", err)
	}
}

// What Append writes, the reader reads.
func TestAppend(t *testing.T) {
	for _, h := range []Header{{Kind: Command, Time: 5}, {Kind: Video, Stream: 3, Time: 0xFFFFFF}, {Kind: Video, Stream: 1 << 30, Time: 1 << 31}} {
		for _, n := range []int{0, 1, 128, 129, 1000} {
			payload := strings.Repeat("x", n)
			got, err := collect(NewReader(bytes.NewReader(Append(nil, 5, h, []byte(payload), 128)), 0))
			h.Length = n
			if diff := cmp.Diff([]whole{{h, payload}}, got); diff != "" || err != io.EOF {
				t.Errorf("%+v: %v (-want +got)\n%s", h, err, diff)
			}
		}
	}
}

func TestNextDoesNotAllocate(t *testing.T) {
	s := newSender()
	s.control(SetChunkSize, 4096)
	for i := range uint32(100) {
		s.message(6, 0, Header{Kind: Video, Stream: 1, Time: i * 40}, make([]byte, 20_000))
		s.message(4, 0, Header{Kind: Audio, Stream: 1, Time: i * 40}, make([]byte, 300))
	}
	src := bytes.NewReader(s.out)
	r := NewReader(src, 32<<10)
	pieces := 0
	if n := testing.AllocsPerRun(20, func() {
		src.Reset(s.out)
		for {
			if _, err := r.Next(); err != nil {
				break
			}
			pieces++
		}
	}); n != 0 {
		t.Errorf("%v allocations for 200 messages, want 0", n)
	}
	if pieces < 200*20 {
		t.Errorf("only %d pieces", pieces)
	}
}

// script makes a chunk stream from a seed, with the messages that it holds in the order of their ends.
func script(seed uint64, steps int) (wire []byte, want []whole) {
	rng := rand.New(rand.NewPCG(seed, 1))
	s := newSender()
	ids := []uint32{2, 3, 4, 6, 63, 64, 300, 320, 65599}
	kinds := []Kind{Audio, Video, Data, Command, Aggregate, 77}
	under := map[uint32]*whole{}
	finish := func(id uint32) {
		want = append(want, *under[id])
		delete(under, id)
	}
	for range steps {
		id := ids[rng.IntN(len(ids))]
		switch {
		case rng.IntN(20) == 0:
			s.control(SetChunkSize, 128+uint32(rng.IntN(4000)))
		case rng.IntN(30) == 0 && id != 2 && under[id] != nil:
			s.control(Abort, id)
			delete(under, id)
		case id == 2:
			n := rng.Uint32()
			s.control(WindowSize, n)
			want = append(want, whole{Header{WindowSize, 0, 0, 4}, string([]byte{byte(n >> 24), byte(n >> 16), byte(n >> 8), byte(n)})})
		case under[id] != nil:
			if !s.next(id) {
				finish(id)
			}
		default:
			payload := make([]byte, rng.IntN(600))
			for i := range payload {
				payload[i] = byte(rng.Uint32())
			}
			h := Header{Kind: kinds[rng.IntN(len(kinds))], Stream: uint32(rng.IntN(2)), Time: rng.Uint32() >> rng.IntN(32), Length: len(payload)}
			if l := s.last[id]; l != nil && rng.IntN(2) == 0 {
				h.Kind, h.Stream, h.Time = l.h.Kind, l.h.Stream, l.h.Time+l.field
				h.Length = l.h.Length
				payload = append(payload, make([]byte, h.Length)...)[:h.Length]
			}
			forms := s.forms(id, h)
			s.begin(id, forms[rng.IntN(len(forms))], h, payload)
			under[id] = &whole{h, string(payload)}
			if len(s.last[id].payload) == 0 {
				finish(id)
			}
		}
	}
	for _, id := range ids {
		for under[id] != nil {
			if !s.next(id) {
				finish(id)
			}
		}
	}
	return s.out, want
}

func TestRoundTrip(t *testing.T) {
	for seed := range uint64(300) {
		wire, want := script(seed, 200)
		got, err := collect(NewReader(iotest.HalfReader(bytes.NewReader(wire)), 0))
		if diff := cmp.Diff(want, got); diff != "" || (err != io.EOF && !errors.Is(err, ErrAborts)) {
			t.Fatalf("seed %d: %v (-want +got)\n%s", seed, err, diff)
		}
	}
}

// Whatever the bytes, the reader's pieces fit together, however they come; and where bytes of a chunk stream are changed
// behind a place, what ends before it is read all the same.
func FuzzReader(f *testing.F) {
	f.Add(uint64(1), uint16(20), []byte{}, uint16(0))
	f.Add(uint64(2), uint16(100), []byte("\x02\x00\x00\x00\x00\x00\x04\x01\x00\x00\x00\x00\x00\x00\x00\x00"), uint16(50))
	f.Add(uint64(3), uint16(0), []byte("\xC4\xC4\xC4"), uint16(0))
	f.Fuzz(func(t *testing.T, seed uint64, steps uint16, tail []byte, cut uint16) {
		wire, want := script(seed, int(steps%300))
		at := int(cut) % (len(wire) + 1)
		if len(tail) == 0 {
			at = len(wire)
		}
		wire = append(wire[:at:at], tail...)
		fast, err := collect(NewReader(bytes.NewReader(wire), 32<<10))
		slow, slowErr := collect(NewReader(iotest.OneByteReader(bytes.NewReader(wire)), 0))
		if diff := cmp.Diff(fast, slow); diff != "" || !errors.Is(slowErr, err) && err.Error() != slowErr.Error() {
			t.Fatalf("how the bytes come matters: %v, %v\n%s", err, slowErr, diff)
		}
		if len(tail) > 0 {
			return
		}
		if diff := cmp.Diff(want, fast); diff != "" || err != io.EOF && !errors.Is(err, ErrAborts) {
			t.Fatalf("%v (-want +got)\n%s", err, diff)
		}
	})
}
