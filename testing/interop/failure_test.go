package interop_test

import (
	"context"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fanfare-go/fanfare/internal/faketb"
	"github.com/fanfare-go/fanfare/testing/interop"
	"github.com/fanfare-go/fanfare/transport/zmq"
)

// soon is how long a program is waited for that does not do it.
const soon = 20 * time.Millisecond

// What a test is told when a program does not do what it waits for.
func TestFailures(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		test func(t testing.TB)
		want string // a regular expression of all of it
	}{
		"dies before it is ready": {
			func(t testing.TB) {
				sh(t, "echo almost; echo oh >&2; exit 3").Find("ready", func(l string) bool { return l == "ready" })
			},
			`sh has ended \(exit status 3\): there is no ready\nsh, process \d+: exit status 3\nstandard output:\n\talmost\nstandard error:\n\toh`,
		},
		"dies without a word": {
			func(t testing.TB) { sh(t, "exit 3").Ready() },
			`sh has ended \(exit status 3\): there is no line with ready\nsh, process \d+: exit status 3\nstandard output: nothing\nstandard error: nothing`,
		},
		"says the same again and again": {
			func(t testing.TB) {
				sh(t, "echo ready; for i in 1 2 3 4 5; do echo tick; done; echo almost; exit 3").Find("that", func(l string) bool { return l == "that" })
			},
			`(?s).*\nstandard output:\n\tready\n\ttick \(5 times\)\n\talmost\nstandard error: nothing`,
		},
		"is killed": {
			func(t testing.TB) { sh(t, "kill -KILL $$").Line() },
			`(?s)sh has ended \(signal: killed\): there is no line\n.*`,
		},
		"is not ready": {
			func(t testing.TB) { sh(t, "echo Ready; cat").Ready() },
			`sh said \["Ready"\] instead of ready\nsh, process \d+: still running\nstandard output:\n\tReady\nstandard error: nothing`,
		},
		"says an empty line": {
			func(t testing.TB) { sh(t, "echo; cat").Ready() },
			`(?s)sh said \[\] instead of ready\n.*`,
		},
		"is silent": {
			func(t testing.TB) {
				p := sh(t, "echo warning >&2; echo; cat")
				p.Line()
				p.Hurry(soon)
				p.Line()
			},
			`sh was waited for 20ms: there is no line\nsh, process \d+: still running\nstandard output: nothing\nstandard error:\n\twarning`,
		},
		"says much, but not that": {
			func(t testing.TB) {
				p := sh(t, "i=0; while :; do i=$((i+1)); echo $i; done")
				p.Hurry(soon)
				p.Event("CONNECTED")
			},
			`(?s)sh was waited for 20ms: there is no event CONNECTED\n.*\n\t\(\d+ lines before\)(\n\t\d+){20}\n.*`,
		},
		"closes its output": {
			func(t testing.TB) { sh(t, "exec >&-; read line").Line() },
			`(?s)sh has closed its standard output: there is no line\n.*still running\n.*`,
		},
		"says a line that is too long": {
			func(t testing.TB) { sh(t, `echo short; head -c 9000000 /dev/zero | tr "\0" a`).Message() },
			`(?s)sh cannot be read: bufio\.Scanner: token too long: there is no message\n.*\n\tshort\n.*`,
		},
		"says long lines": {
			func(t testing.TB) { sh(t, `head -c 1000 /dev/zero | tr "\0" a`).Message() },
			`(?s).*\n\ta{200} \(800 bytes more\)\n.*`,
		},
		"says more than is kept": {
			func(t testing.TB) {
				p := sh(t, "seq 1 100007")
				if err := p.Wait(); err != nil {
					t.Fatal(err)
				}
				p.Line()
			},
			`(?s)sh cannot be read: 7 lines were forgotten before the test read them: there is no line\n.*\n\t\(99987 lines before\)\n\t99988\n.*`,
		},
		"says what is no message": {
			func(t testing.TB) { sh(t, `echo "[1"`).Message() },
			`(?s)sh said a message that is none: unexpected end of JSON input\n.*\n\t\[1\n.*`,
		},
		"does not end": {
			func(t testing.TB) {
				p := sh(t, "echo; cat")
				p.Hurry(soon)
				_ = p.Wait()
			},
			`(?s)sh does not end: it was waited for 20ms\n.*still running\n.*`,
		},
		"ignores that it is to end": {
			func(t testing.TB) {
				p := sh(t, `trap "" TERM; echo ready; cat`)
				p.Ready()
				p.Hurry(soon)
				_ = p.Terminate()
			},
			`(?s)sh does not end: it was waited for 20ms\n.*still running\n.*`,
		},
		"is started again too early": {
			func(t testing.TB) { sh(t, "cat").Restart() },
			`(?s)sh cannot be started again before it has ended: Kill, Terminate and Wait wait for that\n.*still running\n.*`,
		},
		"is not there": {
			func(t testing.TB) { interop.Start(t, exec.Command("/does/not/exist")) },
			`starting exist: fork/exec /does/not/exist: no such file or directory`,
		},
		"has a standard output already": {
			func(t testing.TB) {
				cmd := exec.Command("/bin/sh")
				cmd.Stdout = os.Stdout
				interop.Start(t, cmd)
			},
			`starting sh: its standard streams and its end are those of a Process, and of nothing else`,
		},
		"has an end already": {
			func(t testing.TB) { interop.Start(t, exec.CommandContext(context.Background(), "/bin/sh")) },
			`starting sh: its standard streams and its end are those of a Process, and of nothing else`,
		},
		"is no peer": {
			func(t testing.TB) { interop.Python(t, "nobody.py") },
			`there is no such peer: open peers/nobody\.py: file does not exist`,
		},
		"is Python that fails": {
			func(t testing.TB) { interop.Script(t, "from harness import ready\nready(1 / 0)").Ready() },
			`(?s)script\.py has ended \(exit status 1\): there is no line with ready\n.*\n\t    ready\(1 / 0\)\n.*\n\tZeroDivisionError: division by zero`,
		},
		"has no such role": {
			func(t testing.TB) { interop.Child(t, "nobody").Ready() },
			`(?s)nobody has ended \(exit status 2\): .*\n\tthere is no role "nobody", there are \["crash" "deaf" "leave" "nest" "publisher" "stay" "talker"\]`,
		},
		"panics in its role": {
			func(t testing.TB) { interop.Child(t, "crash", "why").Ready() },
			`(?s)crash has ended \(exit status 2\): .*\n\tpanic: why\n.*`,
		},
		"is a bus that does not open": {
			func(t testing.TB) { interop.Join(t, &zmq.Options{Publish: zmq.Bind("nowhere")}) },
			`(?s).*"nowhere".*`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if strings.Contains(name, "Python") {
				interop.Require(t)
			}
			got := faketb.Run(t, tc.test)
			if !regexp.MustCompile("^" + tc.want + "$").MatchString(got.Failures) {
				t.Errorf("the test is told\n%s\nwant %s", got.Failures, tc.want)
			}
			if got.Log != "" {
				t.Errorf("and it is told more: %s", got.Log)
			}
		})
	}
}

// A test that fails for a reason of its own has in its log what its programs have said.
func TestFailedTestShowsItsPrograms(t *testing.T) {
	t.Parallel()
	got := faketb.Run(t, func(t testing.TB) {
		p := sh(t, "echo ready; echo oh >&2; exit 3")
		p.Ready()
		_ = p.Wait()
		t.Errorf("wrong")
	})
	want := regexp.MustCompile(`^sh, process \d+: exit status 3\nstandard output:\n\tready\nstandard error:\n\toh$`)
	if got.Failures != "wrong" || !want.MatchString(got.Log) {
		t.Errorf("%q, %q", got.Failures, got.Log)
	}
}

// Next gives up, and Patient ends: neither takes longer than Patience, which passes at once in a bubble.
func TestPatienceEnds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		failures := faketb.Run(t, func(t testing.TB) { interop.Next(t, make(chan string)) }).Failures
		if want := "no string came for 30s"; failures != want || time.Since(began) != interop.Patience {
			t.Errorf("%q, want %q", failures, want)
		}
		ctx := interop.Patient(t)
		<-ctx.Done()
		if time.Since(began) != 2*interop.Patience {
			t.Errorf("ended after %v", time.Since(began)-interop.Patience)
		}
	})
}
