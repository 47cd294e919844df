package transporttest_test

import (
	"strings"
	"testing"

	"github.com/fanfare-go/fanfare/testing/bustest"
	"github.com/fanfare-go/fanfare/testing/transporttest"
	"github.com/fanfare-go/fanfare/transport"
)

// A flag whose interface is missing, an interface whose flag is not set, and flags that need others are mistakes of who runs the checks.
func TestCapabilities(t *testing.T) {
	t.Parallel()
	full := bustest.Memory().Open(t)()
	t.Cleanup(func() { _ = full.Close() })
	bare := struct{ transport.Transport }{full}
	for name, tc := range map[string]struct {
		c    transporttest.Capabilities
		tr   transport.Transport
		want []string
	}{
		"nothing":    {transporttest.Capabilities{}, bare, nil},
		"everything": {transporttest.Capabilities{Order: true, Acknowledgement: true, Groups: true, Durability: true, Requests: true, Tasks: true}, full, nil},
		"no interfaces": {transporttest.Capabilities{Durability: true, Requests: true, Tasks: true}, bare, []string{
			"the flag Durability is set, but a struct { transport.Transport } is no transport.Retainer",
			"the flag Requests is set, but a struct { transport.Transport } is no transport.Requester",
			"the flag Tasks is set, but a struct { transport.Transport } is no transport.Tasker",
		}},
		"no flags": {transporttest.Capabilities{}, full, []string{
			"a *memory.Transport is a transport.Retainer, but the flag Durability is not set: that would go unchecked",
			"a *memory.Transport is a transport.Requester, but the flag Requests is not set: that would go unchecked",
			"a *memory.Transport is a transport.Tasker, but the flag Tasks is not set: that would go unchecked",
		}},
		"alone": {transporttest.Capabilities{Acknowledgement: true, Groups: true}, bare, []string{
			"the flag Acknowledgement is set without Tasks: acknowledgements are about tasks",
			"the flag Groups is set without Requests or Tasks: groups share those",
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := ""
			if err := transporttest.CheckCapabilities(tc.c, tc.tr); err != nil {
				got = err.Error()
			}
			if want := strings.Join(tc.want, "\n"); got != want {
				t.Errorf("got %s, want %s", got, want)
			}
		})
	}
}

// Each flag brings its checks, and no others.
func TestFlagsBringChecks(t *testing.T) {
	t.Parallel()
	always := strings.Join(transporttest.Parts(transporttest.Capabilities{}), ", ")
	for want, c := range map[string]transporttest.Capabilities{
		", Order":      {Order: true},
		", Durability": {Durability: true},
		", Requests, Answers, Abandoned requests":                    {Requests: true},
		", Requests, Answers, Abandoned requests, Groups of servers": {Requests: true, Groups: true},
		", Tasks, Workers":                    {Tasks: true},
		", Tasks, Workers, Acknowledgement":   {Tasks: true, Acknowledgement: true},
		", Tasks, Workers, Groups of workers": {Tasks: true, Groups: true},
	} {
		if got := strings.Join(transporttest.Parts(c), ", "); got != always+want {
			t.Errorf("%+v brings %s, want %s", c, got, always+want)
		}
	}
	if always != "Messages, Publish, Subscribe, Receive, Readiness, Peers, Lifecycle, Shutdown" {
		t.Errorf("without flags: %s", always)
	}
}
