package interop_test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/fanfare-go/fanfare/internal/faketb"
	"github.com/fanfare-go/fanfare/testing/interop"
)

// roles are the programs that this test binary can be.
var roles = interop.Roles{"publisher": publishForEver, "talker": talkBack, "crash": crash, "nest": nest, "leave": leave, "stay": stay, "deaf": deaf}

// talkBack says its arguments, and then what it is told.
func talkBack(args []string) {
	fmt.Printf("ready %q\n", args)
	for line := range interop.Told() {
		fmt.Println("heard", line)
	}
	fmt.Println("bye")
}

func crash(args []string) { panic(args[0]) }

// stay does not end with its input.
func stay([]string) {
	for range interop.Told() {
	}
	select {}
}

// deaf does not read what it is told.
func deaf([]string) {
	interop.Told()
	fmt.Println("ready")
	select {}
}

// nest is a program whose TestMain would not run roles, as far as Child can know. It says how Child fails.
func nest([]string) {
	interop.Must(os.Setenv("FANFARE_INTEROP_ROLE", "nest"))
	failures := faketb.Run(nil, func(t testing.TB) { interop.Child(t, "nest") }).Failures
	fmt.Println(failures)
}

// leave is a test's process that is killed while a program runs that does not read its input. Its argument is a named pipe, which that
// program holds.
func leave(args []string) {
	faketb.Run(nil, func(t testing.TB) {
		sh(t, `exec 3>"$1"; echo ready; exec sleep 60`, args[0]).Ready()
		fmt.Println("ready")
		select {}
	})
}

// A child has its arguments, hears what it is told, and ends in good order with its input. It is started again like any other process.
func TestChild(t *testing.T) {
	t.Parallel()
	p := interop.Child(t, "talker", "one", "-v")
	for _, args := range [][]string{{"one", "-v"}, {"two"}} {
		if got, want := p.Line(), fmt.Sprintf("ready %q", args); got != want {
			t.Errorf("%s, want %s", got, want)
		}
		p.Tell("you")
		if got := p.Line(); got != "heard you" {
			t.Errorf("%q", got)
		}
		p.CloseInput()
		if err := p.Wait(); err != nil {
			t.Error(err)
		}
		if lines, _ := p.Output(); !slices.Equal(lines[1:], []string{"heard you", "bye"}) {
			t.Errorf("%q", lines)
		}
		p.Restart("two")
	}
}

// A role that does not end with its input is ended.
func TestChildStays(t *testing.T) {
	t.Parallel()
	p := interop.Child(t, "stay")
	p.CloseInput()
	if failed, ok := errors.AsType[*exec.ExitError](p.Wait()); !ok || failed.ExitCode() != 1 {
		t.Errorf("%v", p.Wait())
	}
}

// A role that does not read what it is told is ended as well.
func TestChildIsDeaf(t *testing.T) {
	t.Parallel()
	p := interop.Child(t, "deaf")
	p.Ready()
	p.Tell("one")
	p.Tell("two")
	p.CloseInput()
	if failed, ok := errors.AsType[*exec.ExitError](p.Wait()); !ok || failed.ExitCode() != 1 {
		t.Errorf("%v", p.Wait())
	}
}

// A role that is too far behind says so.
func TestChildIsFarBehind(t *testing.T) {
	t.Parallel()
	p := interop.Child(t, "deaf")
	p.Ready()
	p.Tell(strings.Repeat("\n", 1<<16))
	if failed, ok := errors.AsType[*exec.ExitError](p.Wait()); !ok || failed.ExitCode() != 2 {
		t.Errorf("%v", p.Wait())
	}
	if got := p.Stderr(); !strings.Contains(got, "the role has not read 65536 lines of its input") {
		t.Errorf("%q", got)
	}
}

// A test binary whose TestMain does not run roles would start itself for ever.
func TestChildOfChild(t *testing.T) {
	t.Parallel()
	p := interop.Child(t, "nest")
	if got, want := p.Line(), `this is a process for the role "nest", but its TestMain does not run roles`; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}
