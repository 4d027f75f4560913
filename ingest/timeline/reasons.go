package timeline

// Reason is why samples were dropped; it labels a metric, so the set is small and fixed.
type Reason string

// Reasons for which samples are dropped.
const (
	BadTime     Reason = "bad_time"     // times or durations that cannot be
	BeforeStart Reason = "before_start" // before the first slot that can be whole
	Duplicate   Reason = "duplicate"    // its time is taken
	Late        Reason = "late"         // older than the window, or than what took its place
	Early       Reason = "early"        // too far ahead of the clock
	Hole        Reason = "hole"         // the rest of a slot that lost samples
	NoSync      Reason = "no_sync"      // waiting for a sync sample
	OffPhase    Reason = "off_phase"    // sync samples miss the slots
	OffTime     Reason = "off_time"     // no time base fits
	OffSet      Reason = "off_set"      // the track or its configuration is not in the generation in force
	Overflow    Reason = "overflow"     // more waits for a decision than is allowed
	NoRecord    Reason = "no_record"    // the store did not answer in time
	Standby     Reason = "standby"      // of a source that is not served, and was not needed
	Closed      Reason = "closed"       // the input went away before its time was known
)

// Reasons lists every Reason.
func Reasons() []Reason {
	return []Reason{
		BadTime, BeforeStart, Duplicate, Late, Early, Hole, NoSync, OffPhase, OffTime, OffSet, Overflow, NoRecord, Standby, Closed,
	}
}
