package transporttest

import "testing"

// Run checks that the transports of n keep the contract of package transport, as far as c says that they do. The checks are parallel
// subtests, each with a network of its own, in a subtest for each flag. Before them the flags are compared with what a transport
// implements.
func Run(t *testing.T, n Network, c Capabilities) {
	t.Helper()
	first := n.Open(t)()
	err := c.check(first)
	if closed := first.Close(); err == nil {
		err = closed
	}
	if err != nil {
		t.Fatalf("%s: %v", n.Name, err)
	}
	for _, p := range parts() {
		if !p.needs.within(c) {
			continue
		}
		t.Run(p.name, func(t *testing.T) {
			t.Parallel()
			for _, ch := range p.checks {
				t.Run(ch.name, func(t *testing.T) {
					t.Parallel()
					ch.report(t, n)
				})
			}
		})
	}
}

// A part is what belongs to one flag.
type part struct {
	name   string
	needs  Capabilities
	checks []check
}

// parts returns all checks there are.
func parts() []part {
	return []part{
		{"Messages", Capabilities{}, messageChecks()},
		{"Publish", Capabilities{}, publishChecks()},
		{"Subscribe", Capabilities{}, subscribeChecks()},
		{"Receive", Capabilities{}, receiveChecks()},
		{"Readiness", Capabilities{}, readinessChecks()},
		{"Peers", Capabilities{}, peerChecks()},
		{"Lifecycle", Capabilities{}, lifecycleChecks()},
		{"Shutdown", Capabilities{}, shutdownChecks()},
		{"Order", Capabilities{Order: true}, orderChecks()},
		{"Durability", Capabilities{Durability: true}, retainedChecks()},
		{"Requests", Capabilities{Requests: true}, requestChecks()},
		{"Answers", Capabilities{Requests: true}, answerChecks()},
		{"Abandoned requests", Capabilities{Requests: true}, abandonChecks()},
		{"Groups of servers", Capabilities{Groups: true, Requests: true}, serverChecks()},
		{"Tasks", Capabilities{Tasks: true}, taskChecks()},
		{"Workers", Capabilities{Tasks: true}, workerChecks()},
		{"Acknowledgement", Capabilities{Acknowledgement: true, Tasks: true}, acknowledgementChecks()},
		{"Groups of workers", Capabilities{Groups: true, Tasks: true}, groupChecks()},
	}
}
