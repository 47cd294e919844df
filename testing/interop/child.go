package interop

import (
	"bufio"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"slices"
	"testing"
	"time"
)

// roleVariable has the role of a process that Child has started.
const roleVariable = "FANFARE_INTEROP_ROLE"

const (
	farewell = 10 * time.Second // how long a role may go on after the end of its input
	unread   = 1 << 16          // lines of its input that a role need not have read
)

// Roles are programs that a test binary can be instead of running its tests, by name. They are called with the program's arguments.
type Roles map[string]func(args []string)

// Run is for the beginning of TestMain. In a process that [Child] has started it runs the role, and the process ends with status 0 when
// that returns. In any other it does nothing.
func (r Roles) Run() {
	name, child := os.LookupEnv(roleVariable)
	if !child {
		return
	}
	role := r[name]
	if role == nil {
		fmt.Fprintf(os.Stderr, "there is no role %q, there are %q\n", name, slices.Sorted(maps.Keys(r)))
		os.Exit(2)
	}
	Must(os.Unsetenv(roleVariable)) // a test binary that the role starts is a test again
	role(os.Args[1:])
	os.Exit(0)
}

// Child starts this test binary again, as the program that it is in a role: see [Roles]. A role that says "ready" is waited for by
// [Process.Ready]. It is told lines by [Process.Tell], which come to it from [Told].
func Child(t testing.TB, role string, args ...string) *Process {
	t.Helper()
	if name, child := os.LookupEnv(roleVariable); child { // and would start itself without an end
		t.Fatalf("this is a process for the role %q, but its TestMain does not run roles", name)
	}
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(program, args...)
	cmd.Env = append(os.Environ(), roleVariable+"="+role)
	return start(t, role, cmd, 1)
}

// Told returns the lines of standard input, for a role. It is closed at their end, which is that of the test's process at the latest. A
// role should return then; one that does not within 10 s ends with status 1, whether it has read the lines or not. One that is 65,536 lines
// behind panics. It is to be called once.
func Told() <-chan string {
	told := make(chan string, unread)
	go func() { // which never waits for the role, or it would not see the end
		lines := bufio.NewScanner(os.Stdin)
		lines.Buffer(nil, longestLine)
		for lines.Scan() {
			select {
			case told <- lines.Text():
			default:
				panic(fmt.Sprintf("the role has not read %d lines of its input", unread))
			}
		}
		Must(lines.Err())
		close(told)
		<-time.After(farewell)
		os.Exit(1)
	}()
	return told
}

// Must panics if there is an error: for a role, whose Process tells its test what that has written to standard error.
func Must(err error) {
	if err != nil {
		panic(err)
	}
}
