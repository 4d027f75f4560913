package ingest

import (
	"errors"
	"fmt"
	"io"
	"time"

	"weir/media"
)

// ReadBody takes a body: boxes in order, until it ends. It returns nil at a clean end between boxes. Any error means
// that the stream cannot go on; it says which box at which byte, and errors.Is tells the kind (see errors.go). A bad
// fragment whose boxes are in order is skipped and counted; Limits.BadFragments of them in a row are an error.
func (conn *Conn) ReadBody(r io.Reader) error {
	for {
		start := conn.at
		box, err := conn.readHeader(r)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err == nil {
			conn.takeOver()
			err = conn.readBox(r, box)
		}
		conn.finish()
		if err == nil {
			err = conn.pace(conn.at - start)
		}
		if err != nil {
			if stop := conn.Err(); stop != nil {
				err = stop
			}
			if box.Head == 0 {
				return fmt.Errorf("at byte %d: %w", start, err)
			}
			return fmt.Errorf("box %q at byte %d: %w", printable(box.Type), start, err)
		}
	}
}

// readHeader returns io.EOF where the body ends before a box. From its first byte on, the box has to come at Limits.MinRate.
func (conn *Conn) readHeader(r io.Reader) (media.Box, error) {
	n, err := io.ReadAtLeast(r, conn.head[:8], 1)
	conn.at += int64(n)
	if err != nil {
		return media.Box{}, err
	}
	if n < 8 {
		conn.begin(8)
		if err := conn.fill(r, conn.head[n:8]); err != nil {
			return media.Box{}, err
		}
	}
	box, err := media.ReadBox(conn.head[:8])
	if errors.Is(err, media.ErrShort) {
		conn.begin(8)
		if err := conn.fill(r, conn.head[8:16]); err != nil {
			return media.Box{}, err
		}
		box, err = media.ReadBox(conn.head[:16])
	}
	if err != nil {
		return media.Box{}, fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	conn.begin(box.Size)
	return box, nil
}

func (conn *Conn) readBox(r io.Reader, box media.Box) error {
	limits := &conn.s.c.limits
	switch string(box.Type[:]) {
	case "moov":
		b, err := conn.aside(r, box, limits.MoovBytes)
		if err != nil {
			return err
		}
		if err := conn.stray(box); err != nil {
			return err
		}
		if err := conn.setHeader(b); err != nil {
			if errors.Is(err, media.ErrUnsupported) {
				return fmt.Errorf("%w: %w", ErrUnsupported, err)
			}
			if errors.Is(err, ErrTooMany) {
				return err
			}
			return fmt.Errorf("%w: %w", ErrMalformed, err)
		}
		conn.tookHeader()
		return nil
	case "moof":
		return conn.readFragment(r, box)
	case "prft":
		b, err := conn.aside(r, box, 64)
		if err != nil {
			return err
		}
		conn.prft, err = media.ParsePrft(b)
		conn.hasPrft = err == nil
		return nil
	case "styp":
		b, err := conn.aside(r, box, 4096)
		if err != nil {
			return err
		}
		if styp, err := media.ParseStyp(b); err == nil && styp.Last {
			conn.last = true
		}
		return nil
	case "uuid":
		return conn.readUUID(r, box)
	case "mdat": // without its moof: nothing can be said of it
		if conn.at <= int64(box.Head) {
			return fmt.Errorf("%w: the body starts with an mdat", ErrMalformed)
		}
		return conn.skip(r, box, limits.MdatBytes)
	default:
		if !known(box.Type) && conn.at <= int64(box.Head) {
			return fmt.Errorf("%w: the body starts with neither ftyp, styp, moov nor moof", ErrMalformed)
		}
		return conn.skip(r, box, limits.OtherBytes)
	}
}

// readUUID reads the manifest that a protocol has asked for, and passes over what else is of this type.
func (conn *Conn) readUUID(r io.Reader, box media.Box) error {
	limit := conn.s.c.limits.OtherBytes
	m := conn.manifest
	if m == nil || box.Size < int64(box.Head)+16 {
		return conn.skip(r, box, limit)
	}
	if err := conn.stray(box); err != nil {
		return err
	}
	if err := conn.fill(r, conn.uuid[:]); err != nil {
		return err
	}
	rest := box.Size - int64(box.Head)
	if conn.uuid != m.UUID {
		if rest > limit {
			return fmt.Errorf("%d bytes: %w of %d", rest, ErrTooLarge, limit)
		}
		return conn.discard(r, rest-16)
	}
	b, err := conn.asideAfter(r, conn.uuid[:], rest, m.Bytes+16)
	if err != nil {
		return err
	}
	if conn.beside, err = m.Parse(b[16:]); err != nil {
		return fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	return nil
}

// known lists the boxes that may open a body.
func known(t [4]byte) bool {
	switch string(t[:]) {
	case "ftyp", "uuid", "sidx", "emsg", "free", "skip", "mfra", "ssix":
		return true
	}
	return false
}

// readFragment reads a moof and its mdat and submits the chunks in them.
func (conn *Conn) readFragment(r io.Reader, box media.Box) error {
	c := conn.s.c
	if !conn.hasHeader() {
		return ErrNoInit
	}
	conn.between = 0
	moof, err := conn.aside(r, box, c.limits.MoofBytes)
	if err != nil {
		return err
	}
	parseErr := conn.frag.Parse(moof, conn.trex)

	mdat, err := conn.readHeader(r)
	if err != nil {
		return noEOF(err)
	}
	if string(mdat.Type[:]) != "mdat" {
		return fmt.Errorf("%w: followed by %q instead of mdat", ErrMalformed, printable(mdat.Type))
	}
	if mdat.Size-int64(mdat.Head) > c.limits.MdatBytes {
		return fmt.Errorf("mdat of %d bytes: %w", mdat.Size, ErrTooLarge)
	}
	if parseErr == nil {
		parseErr = conn.locate(box, mdat)
	}
	if parseErr != nil {
		if err := conn.skipFragment(parseErr); err != nil {
			return err
		}
		return conn.discard(r, mdat.Size-int64(mdat.Head))
	}
	err = conn.readPayload(r, int(mdat.Size)-mdat.Head)
	conn.hasPrft = false
	return err
}

// skipFragment counts a fragment that cannot be used. It is an error where it is the last of too many in a row.
func (conn *Conn) skipFragment(why error) error {
	c := conn.s.c
	conn.bad++
	conn.countBad()
	if conn.bad >= c.limits.BadFragments {
		return fmt.Errorf("%w: %d fragments in a row: %w", ErrMalformed, conn.bad, why)
	}
	if c.mayWarn() {
		c.log.Warn("fragment skipped", "stream", conn.s.name, "byte", conn.at, "err", why)
	}
	return nil
}

// mayWarn lets one warning through in ten seconds.
func (c *Channel) mayWarn() bool {
	now := c.deps.Now()
	last := c.warned.Load()
	return (last == 0 || now-last > int64(10*time.Second)) && c.warned.CompareAndSwap(last, now)
}

// locate checks that the samples of every track lie inside the mdat, and makes DataOffset count from its payload.
func (conn *Conn) locate(moof, mdat media.Box) error {
	payload := moof.Size + int64(mdat.Head)
	for i := range conn.frag.Trafs {
		traf := &conn.frag.Trafs[i]
		offset := traf.DataOffset - payload
		if traf.DataOffset < 0 { // not said: the payload starts with it
			offset = 0
		}
		var size int64
		for j := range traf.Samples {
			size += int64(traf.Samples[j].Size)
		}
		if offset < 0 || offset+size > mdat.Size-int64(mdat.Head) {
			return fmt.Errorf("track_ID %d: samples at %d, %d bytes, lie outside the mdat's %d bytes",
				traf.TrackID, offset, size, mdat.Size-int64(mdat.Head))
		}
		traf.DataOffset = offset
	}
	return nil
}

// defaults finds the trex of a track for media.Fragment.Parse.
func (conn *Conn) defaults(trackID uint32) (media.Defaults, bool) {
	if in := conn.input(trackID); in != nil {
		return in.desc.Defaults, true
	}
	return media.Defaults{}, false
}

// input finds the track of the header. A stream's inputs are replaced, never changed, and only by its own connections.
func (conn *Conn) input(trackID uint32) *input {
	for _, in := range conn.inputs() {
		if in.desc.ID == trackID {
			return in
		}
	}
	return nil
}

func (conn *Conn) inputs() []*input {
	conn.s.c.mu.Lock()
	defer conn.s.c.mu.Unlock()
	return conn.s.inputs
}

func (conn *Conn) countBad() {
	for _, in := range conn.inputs() {
		in.track.stats.BadFragment.Add(1)
	}
}

// aside reads a whole box, header included, into the connection's buffer. The slice is good until the next call.
func (conn *Conn) aside(r io.Reader, box media.Box, limit int64) ([]byte, error) {
	return conn.asideAfter(r, conn.head[:box.Head], box.Size, limit)
}

// asideAfter reads size bytes aside, of which the first are there already.
func (conn *Conn) asideAfter(r io.Reader, first []byte, size, limit int64) ([]byte, error) {
	if size > limit {
		return nil, fmt.Errorf("%d bytes: %w of %d", size, ErrTooLarge, limit)
	}
	// The buffer grows with what has arrived, never by a declared size alone.
	conn.box = append(conn.box[:0], first...)
	for int64(len(conn.box)) < size {
		have := len(conn.box)
		step := int(min(size-int64(have), max(4096, int64(have))))
		if err := conn.claim(step); err != nil {
			return nil, err
		}
		conn.box = append(conn.box, make([]byte, step)...)
		if err := conn.fill(r, conn.box[have:]); err != nil {
			return nil, err
		}
	}
	return conn.box, nil
}

func (conn *Conn) skip(r io.Reader, box media.Box, limit int64) error {
	if box.Size > limit {
		return fmt.Errorf("%d bytes: %w of %d", box.Size, ErrTooLarge, limit)
	}
	if err := conn.stray(box); err != nil {
		return err
	}
	return conn.discard(r, box.Size-int64(box.Head))
}

// stray counts a box that is no fragment: a body of nothing else is no stream.
func (conn *Conn) stray(box media.Box) error {
	limit := conn.s.c.limits.BetweenBytes
	if conn.between += box.Size; conn.between > limit {
		return fmt.Errorf("%d bytes of boxes without a fragment: %w of %d", conn.between, ErrTooLarge, limit)
	}
	return nil
}

func (conn *Conn) fill(r io.Reader, b []byte) error {
	n, err := io.ReadFull(r, b)
	conn.at += int64(n)
	return noEOF(err)
}

func (conn *Conn) discard(r io.Reader, n int64) error {
	done, err := io.CopyN(io.Discard, r, n)
	conn.at += done
	return noEOF(err)
}

// noEOF turns an end inside a box into what it is: a cut.
func noEOF(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// printable is a box type fit for a log line.
func printable(t [4]byte) string {
	for i, b := range t {
		if b < 0x20 || b > 0x7e {
			t[i] = '?'
		}
	}
	return string(t[:])
}
