package interop

import "time"

// Hurry has the methods of p that wait give up after d.
func (p *Process) Hurry(d time.Duration) { p.patience = d }
