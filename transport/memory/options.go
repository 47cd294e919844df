package memory

import "cmp"

// defaultHWM is Options.HWM when it is 0.
const defaultHWM = 1000

// Options configures a network. nil and the zero value are the defaults. It is copied by [NewNetwork].
type Options struct {
	// HWM is how many events of one transport wait for another one at most, how many requests, and how many tasks: more events are dropped and
	// counted, more requests and tasks are refused with transport.ErrFull. 0: 1000. Negative: no limit.
	HWM int
}

// hwm returns the limit that is in force; negative: none.
func (o *Options) hwm() int {
	if o == nil {
		return defaultHWM
	}
	return cmp.Or(o.HWM, defaultHWM)
}
