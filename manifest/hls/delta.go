package hls

// skippable is how many segments at the head a delta update leaves out: those that end CAN-SKIP-UNTIL or more before the end
// of the last segment, as durations add up.
func (l *list) skippable() int {
	boundary := skipTargets * int64(l.presentation.TargetDuration) * int64(l.timescale())
	kept, all, behind := 0, 0, int64(0) // behind: how long all is that was kept
	for i := len(l.track.Runs) - 1; i >= 0; i-- {
		r := &l.track.Runs[i]
		all += r.Count
		if behind >= boundary {
			continue
		}
		count := r.Count
		if r.Duration > 0 {
			count = int(min(int64(count), (boundary-behind+r.Duration-1)/r.Duration))
		}
		kept += count
		behind += int64(count) * r.Duration
	}
	return all - kept
}
