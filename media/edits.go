package media

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"math/big"
)

// applyEdits turns the edit list into Shift and Defaults.CTO: weir publishes no edit list.
//
// On video, a cut of up to a second is the delay that an encoder's B-frames need before presentation catches up with
// decoding. It is taken off the composition offsets, so that segments start where their first picture is shown and
// the decode times stay as they are (signed offsets of CMAF, as ffmpeg's -movflags cmaf writes them). Everywhere else,
// such as the priming of an audio encoder, it moves the times.
//
// Source: ISO/IEC 14496-12, 8.6.6; ISO/IEC 23000-19, 7.5.13 and 9.2.1.
func (in *Input) applyEdits(empty, start int64) {
	if in.Kind == Video && start <= int64(in.Timescale) && start <= math.MaxInt32 {
		in.Defaults.CTO, start = -int32(start), 0
	}
	in.Shift = start - empty
}

// edit is what the edit list does to the track, in ticks of its timescale: empty edits put it off, the media time of the
// first real edit cuts its start. Later edits say nothing of a live stream.
//
// Source: ISO/IEC 14496-12, 8.6.6.
func (t *trak) edit(movieScale uint32) (empty, start int64, err error) {
	if t.edits == nil {
		return 0, 0, nil
	}
	version, _, b, err := fullBox(t.edits)
	if err != nil || len(b) < 4 {
		return 0, 0, errTruncated
	}
	count := binary.BigEndian.Uint32(b)
	if count > maxEdits {
		return 0, 0, fmt.Errorf("%d entries: more than %d", count, maxEdits)
	}
	size := 4
	if version > 0 {
		size = 8
	}
	b = b[4:]
	if len(b) < int(count)*(2*size+4) {
		return 0, 0, errTruncated
	}
	limit := maxShift * int64(t.scale)
	for range count {
		var duration, at int64
		if version > 0 {
			duration, at = int64(binary.BigEndian.Uint64(b)), int64(binary.BigEndian.Uint64(b[8:]))
		} else {
			duration, at = int64(binary.BigEndian.Uint32(b)), int64(int32(binary.BigEndian.Uint32(b[4:])))
		}
		b = b[2*size+4:]
		if at >= 0 {
			start = at
			break
		}
		if movieScale == 0 || duration < 0 {
			return 0, 0, errors.New("empty edit without a length")
		}
		ticks := rescale(duration, t.scale, movieScale)
		if ticks > limit-empty {
			return 0, 0, fmt.Errorf("puts the track off by more than %d s", maxShift)
		}
		empty += ticks
	}
	if start > limit {
		return 0, 0, fmt.Errorf("cuts more than %d s", maxShift)
	}
	return empty, start, nil
}

// rescale is the nearest integer to v*to/from, at most 2^62; v >= 0, from > 0. Headers only: it allocates.
func rescale(v int64, to, from uint32) int64 {
	n := new(big.Int).Mul(big.NewInt(v), new(big.Int).SetUint64(uint64(to)*2))
	n.Add(n, new(big.Int).SetUint64(uint64(from)))
	n.Quo(n, new(big.Int).SetUint64(uint64(from)*2))
	if !n.IsInt64() || n.Int64() > maxTime {
		return maxTime
	}
	return n.Int64()
}
