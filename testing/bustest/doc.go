// Package bustest makes tests of code that publishes, subscribes, asks or works short, and certain: nothing in it polls or sleeps, it waits
// for what happens, and all that stays in the process works inside a testing/synctest bubble.
//
//   - [New] is a bus for one test, which checks at the end that nothing was lost.
//   - [Record] subscribes, and [Recorder] says what came, or waits for it: Expect, ExpectExactly, ExpectNone, with a [Matcher] for each event.
//   - [Publisher], [Call] and [Task] are fakes of what code under test publishes, asks and sends with; [Subscriber], Call and Task are fakes of
//     handlers. They do what a script says, see [Behavior], and remember what they saw.
//   - [Run] runs a test over every kind of transport, and [On] over one.
//   - [Faults] make a transport lose, repeat and delay messages, by a seed, and cut it off or kill it.
//
// docs/guide/testing.md goes through all of them with one example.
//
// Helpers fail the test at the line that calls them. They wait for 10 s at most, for what has not happened by then will not happen; in a
// bubble that is virtual time, and takes none.
//
// # Time
//
// What depends on time (a retry's backoff, a timeout, the linger of a batch, a slow handler's notice) is tested in a bubble: time passes when
// every goroutine waits, so an hour takes a microsecond, and the outcome is the same each time.
//
//	synctest.Test(t, func(t *testing.T) {
//		b := bustest.New(t)
//		…
//		time.Sleep(time.Hour) // returns at once, when everything that was due in that hour has happened
//		synctest.Wait()       // returns when every goroutine waits for something: nothing more happens by itself
//		got.ExpectNone()
//	})
//
// Make everything in the bubble: the bus, subscriptions, channels. Sockets do not belong there, and their networks refuse it; [Memory] is a
// network that does.
//
// # The end
//
// Every helper ends what it began with the test, in t.Cleanup, so that a test that fails leaves nothing behind either. A bus has no goroutine
// left when it has ended, and a test whose bus does not end fails. That the code under test leaves no goroutine behind is what a bubble checks by
// itself; outside of bubbles go.uber.org/goleak does it for a whole package.
package bustest
