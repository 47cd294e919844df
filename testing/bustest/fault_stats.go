package bustest

// FaultStats count what a [Faults] has done, since it was made.
type FaultStats struct {
	// Dropped and Duplicated count messages by the plan; Delayed those that came later than they could.
	Dropped, Duplicated, Delayed uint64
	// Lost counts messages that were lost because of a partition.
	Lost uint64
	// Partitions, Heals and Kills count what was done to transports, by the plan and by hand.
	Partitions, Heals, Kills uint64
}

// Stats returns how much was done. It may be called concurrently.
func (f *Faults) Stats() FaultStats { return FaultStats(f.injector.Stats()) }

// Log returns what was done, in the order in which it was, a line each such as "billing dropped orders.created #3 from shop". Delays are
// only counted. Of more than 10,000 lines at least the last 5,000 are there. What happens to different transports at the same time may be
// in another order when the test runs again. It may be called concurrently; the caller owns the slice.
func (f *Faults) Log() []string { return f.injector.Log() }
