package push

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"slices"

	"github.com/Eyevinn/mp4ff/mp4"

	"weir/media"
)

// maxSample is the longest that a sample may last, holes behind it included, in seconds.
const maxSample = 60

// Open reads a file, fragmented or plain MP4, and makes a loop of its video and audio tracks. It holds the whole file in
// memory.
func Open(path string) (*Tracks, error) {
	file, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	list, err := Parse(file)
	if err != nil {
		return nil, fmt.Errorf("%s: %w; ffmpeg makes a file that can be pushed:\n"+
			"  ffmpeg -i %[1]s -c:v libx264 -g 50 -keyint_min 50 -sc_threshold 0 -c:a aac -movflags +cmaf+frag_keyframe+empty_moov+default_base_moof out.mp4",
			path, err)
	}
	tracks, err := New(list...)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return tracks, nil
}

// Parse returns the video and audio tracks of an MP4 file, fragmented or plain, named by kind and count: video, video2,
// audio. Each is moved so that its first picture or sound is at the loop's start: edit lists and the priming of AAC are
// resolved, to half an audio frame, and composition offsets may become negative. The tracks alias file.
//
// The first video sample must be a sync sample, and audio frames must be of one length.
func Parse(file []byte) (tracks []*Track, err error) {
	defer func() {
		if r := recover(); r != nil { // mp4ff is not made for every broken file
			tracks, err = nil, fmt.Errorf("broken boxes: %v", r)
		}
	}()
	f, err := mp4.DecodeFile(bytes.NewReader(file), mp4.WithDecodeMode(mp4.DecModeLazyMdat))
	if err != nil {
		return nil, err
	}
	if f.Moov == nil {
		return nil, errors.New("no moov box")
	}
	count := map[media.Kind]int{}
	for _, trak := range f.Moov.Traks {
		if trak.Tkhd == nil {
			return nil, errors.New("a trak without tkhd")
		}
		t, err := parseTrack(f, file, trak)
		if err != nil {
			return nil, fmt.Errorf("track %d: %w", trak.Tkhd.TrackID, err)
		}
		if t == nil {
			continue
		}
		t.Name = t.Kind.String()
		if count[t.Kind]++; count[t.Kind] > 1 {
			t.Name = fmt.Sprintf("%s%d", t.Name, count[t.Kind])
		}
		tracks = append(tracks, t)
	}
	if len(tracks) == 0 {
		return nil, errors.New("neither video nor audio in it")
	}
	return tracks, align(tracks)
}

// parseTrack returns nil for a track that is neither video nor audio. Sample times are the file's own still.
func parseTrack(f *mp4.File, file []byte, trak *mp4.TrakBox) (*Track, error) {
	if trak.Mdia == nil || trak.Mdia.Hdlr == nil || trak.Mdia.Mdhd == nil || trak.Mdia.Mdhd.Timescale == 0 ||
		trak.Mdia.Minf == nil || trak.Mdia.Minf.Stbl == nil || trak.Mdia.Minf.Stbl.Stsd == nil {
		return nil, errors.New("boxes are missing in trak")
	}
	t := &Track{Timescale: trak.Mdia.Mdhd.Timescale, Language: trak.Mdia.Mdhd.GetLanguage(), data: file}
	switch trak.Mdia.Hdlr.HandlerType {
	case "vide":
		t.Kind = media.Video
	case "soun":
		t.Kind = media.Audio
	default:
		return nil, nil
	}
	if trak.Mdia.Elng != nil {
		t.Language = trak.Mdia.Elng.Language
	}
	t.width, t.height = uint32(trak.Tkhd.Width), uint32(trak.Tkhd.Height)
	if err := t.setEntry(trak.Mdia.Minf.Stbl.Stsd); err != nil {
		return nil, err
	}
	read := t.readTables
	if f.IsFragmented() {
		read = func(trak *mp4.TrakBox) error { return t.readFragments(f, trak) }
	}
	if err := read(trak); err != nil {
		return nil, err
	}
	if len(t.samples) == 0 {
		return nil, errors.New("no samples")
	}
	shift := editShift(f.Moov, trak)
	size := 0
	for i := range t.samples {
		s := &t.samples[i]
		s.at += shift
		size += int(s.size)
		if s.offset < 0 || s.offset+int(s.size) > len(file) {
			return nil, fmt.Errorf("sample %d lies outside the file", i+1)
		}
		if i > 0 { // a hole in the file prolongs the sample before it
			gap := s.at - t.samples[i-1].at
			if gap <= 0 || gap > maxSample*int64(t.Timescale) || gap >= 1<<32 {
				return nil, fmt.Errorf("sample %d: its decode time does not follow on the one before", i+1)
			}
			t.samples[i-1].duration = uint32(gap)
		}
	}
	last := t.samples[len(t.samples)-1]
	if int64(last.duration) > maxSample*int64(t.Timescale) {
		return nil, errors.New("the last sample is longer than a minute")
	}
	t.ticks = last.at + int64(last.duration) - t.samples[0].at
	if t.ticks <= 0 {
		return nil, errors.New("no duration")
	}
	if t.Bitrate == 0 {
		t.Bitrate = int(scaleUp(int64(size)*8, int64(t.Timescale), t.ticks*1000)) * 1000
	}
	return t, nil
}

// setEntry takes the first sample entry, and the nominal bitrate from its btrt box if there is one.
func (t *Track) setEntry(stsd *mp4.StsdBox) error {
	entry, err := stsd.GetSampleDescription(0)
	if err != nil {
		return err
	}
	if btrt := stsd.GetBtrt(); btrt != nil {
		t.Bitrate = int(btrt.AvgBitrate)
	}
	var b bytes.Buffer
	if err := entry.Encode(&b); err != nil {
		return fmt.Errorf("sample entry: %w", err)
	}
	t.entry = b.Bytes()
	return nil
}

// readTables reads the samples of a plain file.
func (t *Track) readTables(trak *mp4.TrakBox) error {
	stbl := trak.Mdia.Minf.Stbl
	if stbl.Stsz == nil || stbl.Stsc == nil || stbl.Stts == nil {
		return errors.New("boxes are missing in stbl")
	}
	count := stbl.Stsz.GetNrSamples()
	if count == 0 {
		return nil
	}
	if int64(count) > int64(len(t.data)) {
		return fmt.Errorf("%d samples in a file of %d bytes", count, len(t.data))
	}
	if err := checkChunks(stbl, count); err != nil {
		return err
	}
	list, err := trak.GetSampleData(1, count)
	if err != nil {
		return err
	}
	chunks, err := stbl.Stsc.GetContainingChunks(1, count)
	if err != nil {
		return err
	}
	at := int64(0)
	for _, c := range chunks {
		var offset uint64
		switch {
		case stbl.Stco != nil:
			offset, err = stbl.Stco.GetOffset(int(c.ChunkNr))
		case stbl.Co64 != nil:
			offset, err = stbl.Co64.GetOffset(int(c.ChunkNr))
		default:
			err = errors.New("neither stco nor co64")
		}
		if err != nil {
			return err
		}
		for nr := c.StartSampleNr; nr < c.StartSampleNr+c.NrSamples && nr <= count; nr++ {
			t.add(list[nr-1], at, int(offset))
			at += int64(list[nr-1].Dur)
			offset += uint64(list[nr-1].Size)
		}
	}
	return nil
}

// checkChunks refuses a table of chunks that does not fit the file: the library would count up to its numbers.
func checkChunks(stbl *mp4.StblBox, samples uint32) error {
	chunks := 0
	if stbl.Stco != nil {
		chunks = len(stbl.Stco.ChunkOffset)
	} else if stbl.Co64 != nil {
		chunks = len(stbl.Co64.ChunkOffset)
	}
	entries := stbl.Stsc.Entries
	if len(entries) == 0 || entries[0].FirstChunk != 1 {
		return errors.New("stsc does not begin with chunk 1")
	}
	first := int64(1) // sample
	for i, e := range entries {
		if i > 0 {
			before := entries[i-1]
			if e.FirstChunk <= before.FirstChunk {
				return fmt.Errorf("stsc entry %d: chunk %d after %d", i, e.FirstChunk, before.FirstChunk)
			}
			first += int64(e.FirstChunk-before.FirstChunk) * int64(before.SamplesPerChunk)
		}
		if int64(e.FirstChunk) > int64(chunks) || first > int64(samples) || e.SamplesPerChunk == 0 || e.SamplesPerChunk > samples {
			return fmt.Errorf("stsc entry %d: chunk %d with %d samples, in a file of %d chunks and %d samples",
				i, e.FirstChunk, e.SamplesPerChunk, chunks, samples)
		}
	}
	return nil
}

// readFragments reads the samples of a fragmented file.
func (t *Track) readFragments(f *mp4.File, trak *mp4.TrakBox) error {
	var trex *mp4.TrexBox
	if f.Moov.Mvex != nil {
		trex, _ = f.Moov.Mvex.GetTrex(trak.Tkhd.TrackID)
	}
	at := int64(0)
	for _, segment := range f.Segments {
		for _, fragment := range segment.Fragments {
			if fragment.Moof == nil {
				continue
			}
			for _, traf := range fragment.Moof.Trafs {
				if traf.Tfhd == nil || traf.Tfhd.TrackID != trak.Tkhd.TrackID {
					continue
				}
				if traf.Tfdt != nil {
					at = int64(traf.Tfdt.BaseMediaDecodeTime())
				}
				base := int(fragment.Moof.StartPos)
				if traf.Tfhd.HasBaseDataOffset() {
					base = int(traf.Tfhd.BaseDataOffset)
				}
				for _, trun := range traf.Truns {
					trun.AddSampleDefaultValues(traf.Tfhd, trex)
					offset := base + int(trun.DataOffset)
					for _, s := range trun.Samples {
						t.add(s, at, offset)
						at += int64(s.Dur)
						offset += int(s.Size)
					}
				}
			}
		}
	}
	return nil
}

func (t *Track) add(s mp4.Sample, at int64, offset int) {
	t.samples = append(t.samples, sample{
		at: at, offset: offset, size: s.Size, duration: s.Dur, cto: s.CompositionTimeOffset, sync: s.IsSync(),
	})
}

// editShift is what the edit list adds to the track's times, in its ticks: an empty edit delays, a media time skips.
func editShift(moov *mp4.MoovBox, trak *mp4.TrakBox) int64 {
	if trak.Edts == nil || len(trak.Edts.Elst) == 0 || moov.Mvhd == nil || moov.Mvhd.Timescale == 0 {
		return 0
	}
	shift := int64(0)
	for _, e := range trak.Edts.Elst[0].Entries {
		if e.MediaTime >= 0 {
			return shift - e.MediaTime
		}
		shift += scaleUp(int64(e.SegmentDuration), int64(trak.Mdia.Mdhd.Timescale), int64(moov.Mvhd.Timescale))
	}
	return shift
}

// align moves all tracks so that the first picture of each video track is at 0, and audio along with the first of them.
func align(tracks []*Track) error {
	zero, timescale := tracks[0].samples[0].at, int64(tracks[0].Timescale) // the loop's start, if there is no video
	if i := slices.IndexFunc(tracks, func(t *Track) bool { return t.Kind == media.Video }); i >= 0 {
		first := tracks[i].samples[0]
		zero, timescale = first.at+int64(first.cto), int64(tracks[i].Timescale)
	}
	for _, t := range tracks {
		var err error
		if t.Kind == media.Video {
			err = t.alignVideo()
		} else {
			err = t.alignAudio(scaleUp(zero, int64(t.Timescale), timescale))
		}
		if err != nil {
			return fmt.Errorf("track %q: %w", t.Name, err)
		}
	}
	return nil
}

func (t *Track) alignVideo() error {
	first := t.samples[0]
	if !first.sync {
		return errors.New("the first sample is not a sync sample")
	}
	for i := range t.samples {
		t.samples[i].at -= first.at
		t.samples[i].cto -= first.cto
	}
	return nil
}

// alignAudio lays the frames on a grid that starts at zero (in the track's ticks), to half a frame: frames before it are
// dropped, and where the sound starts later or has a hole, the frame before is repeated.
func (t *Track) alignAudio(zero int64) error {
	durations := map[int64]int{}
	for _, s := range t.samples {
		if durations[int64(s.duration)]++; durations[int64(s.duration)] > durations[t.frame] {
			t.frame = int64(s.duration)
		}
	}
	if 2*durations[t.frame] < len(t.samples) {
		return errors.New("audio frames of different lengths cannot be looped")
	}
	if t.frame < int64(t.Timescale)/10_000 {
		return fmt.Errorf("audio frames of %d ticks at %d a second are too short", t.frame, t.Timescale)
	}
	var grid []sample
	for _, s := range t.samples {
		at := scaleUp(2*(s.at-zero)-t.frame, 1, 2*t.frame) // in frames, rounded
		if at < 0 {
			continue
		}
		if at > int64(2*len(t.samples)+1000) {
			return errors.New("more holes than sound")
		}
		before := s
		if len(grid) > 0 {
			before = grid[len(grid)-1]
		}
		for int64(len(grid)) < at {
			grid = append(grid, before)
		}
		grid = append(grid, s)
	}
	if len(grid) == 0 {
		return errors.New("all of it lies before the first picture")
	}
	for i := range grid {
		s := &grid[i]
		s.at, s.duration, s.cto, s.sync = int64(i)*t.frame, uint32(t.frame), 0, true
	}
	t.samples, t.ticks = grid, int64(len(grid))*t.frame
	return nil
}
