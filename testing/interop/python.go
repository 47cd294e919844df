package interop

import (
	"bytes"
	"embed"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// python is the interpreter for which distributions package zmq. One in PATH may be another one, without it.
const python = "/usr/bin/python3"

//go:embed peers/*.py
var peers embed.FS

// EnvelopeReader is the source of a Python program that prints the events of a publisher, with nothing but the zmq package. Its
// arguments are an endpoint and a prefix.
//
//go:embed peers/read_envelope.py
var EnvelopeReader string

// harness is the module that the peers share.
//
//go:embed peers/harness.py
var harness []byte

// imported tells, with what Python said, whether it has the zmq package. It looks once.
var imported = sync.OnceValues(func() ([]byte, error) { return exec.Command(python, "-c", "import zmq").CombinedOutput() })

// Require skips the test where Python's zmq package is not installed, but see [Missing].
func Require(t testing.TB) {
	t.Helper()
	if output, err := imported(); err != nil {
		Missing(t, fmt.Sprintf("%s has no package zmq, scripts/interop-deps.sh installs it (Debian's python3-zmq): %v\n%s", python, err, output))
	}
}

// Missing skips the test or benchmark because this machine lacks what it needs. In continuous integration, where the variable CI is "true",
// it fails it instead: nothing is skipped there.
func Missing(t testing.TB, what string) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatal(what)
	}
	t.Skip(what)
}

// Python runs one of the programs in peers, by the name of its file. What each does and which arguments it takes is at its beginning.
func Python(t testing.TB, name string, args ...string) *Process {
	t.Helper()
	source, err := peers.ReadFile(path.Join("peers", name))
	if err != nil {
		t.Fatalf("there is no such peer: %v", err)
	}
	return script(t, name, source, args)
}

// Script runs a Python program of the test's own. It can import harness, the module that the programs in peers share: what a Process needs
// to know of a program is said by its functions. The test is skipped where Python's zmq package is not installed, see [Require].
func Script(t testing.TB, source string, args ...string) *Process {
	t.Helper()
	return script(t, "script.py", []byte(source), args)
}

// script runs a program from a file, beside that of the module: so an error of Python shows the lines that have led to it.
func script(t testing.TB, name string, source []byte, args []string) *Process {
	t.Helper()
	Require(t)
	dir := t.TempDir()
	for file, content := range map[string][]byte{name: source, "harness.py": harness} {
		if err := os.WriteFile(filepath.Join(dir, file), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.Command(python, "-B", "-u", filepath.Join(dir, name))
	fixed := len(cmd.Args)
	cmd.Args = append(cmd.Args, args...)
	return start(t, name, cmd, fixed)
}

// Spec describes a libzmq socket.
type Spec struct {
	Type      string         `json:"type"` // such as "PUB"
	Bind      []string       `json:"bind"`
	Connect   []string       `json:"connect"`
	Subscribe []string       `json:"subscribe"` // prefixes, for SUB and XSUB
	Options   map[string]any `json:"options"`   // such as "HEARTBEAT_IVL"; numbers and strings
	Later     [][2]any       `json:"later"`     // options by name and value, one for each "tick", set before it is printed
	Monitor   bool           `json:"monitor"`   // print its events
	Property  string         `json:"property"`  // print "property " and this one of the sender before each message, such as "X-Name"
	// Send are messages to send in turns, for ever, as the socket takes them. A frame is a string of Latin-1, or a number: then it is
	// so many bytes of Pattern.
	Send [][]any `json:"send"`
	Echo bool    `json:"echo"` // send back what is received, after printing it
	// Every is the time between two messages to send, and before a "tick" is printed, in milliseconds. Default: 5 with messages to
	// send, 200 without.
	Every int `json:"every"`
}

// Socket runs a libzmq socket in Python. Its lines are for Ready, Message and Event.
func Socket(t testing.TB, spec Spec) *Process {
	t.Helper()
	if spec.Every == 0 {
		if spec.Every = 200; len(spec.Send) > 0 {
			spec.Every = 5
		}
	}
	encoded, err := json.Marshal(spec)
	if err != nil {
		t.Fatal(err)
	}
	p := Python(t, "peer.py", string(encoded))
	p.name = "a " + spec.Type + " socket of libzmq"
	return p
}

// Message waits for the next message that a Socket received, and skips its other lines. A frame is a string of Latin-1, or a float64
// that counts bytes of Pattern when it has more than 100 of those.
func (p *Process) Message() []any {
	p.t.Helper()
	line := p.Find("message", func(line string) bool { return strings.HasPrefix(line, "[") })
	var frames []any
	if err := json.Unmarshal([]byte(line), &frames); err != nil {
		p.fatalf("%s said a message that is none: %v", p.name, err)
	}
	return frames
}

// Event waits for an event of the monitor of a Socket, by libzmq's name such as "DISCONNECTED", and skips its other lines.
func (p *Process) Event(name string) {
	p.t.Helper()
	p.Find("event "+name, func(line string) bool { return line == "event "+name })
}

// Pattern returns n bytes that are the same on both sides. They do not begin like a subscription of XSUB.
func Pattern(n int) []byte {
	period := make([]byte, 251)
	for i := range period {
		period[i] = byte(2 + i)
	}
	return bytes.Repeat(period, n/len(period)+1)[:n]
}
