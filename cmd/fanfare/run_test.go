package main

import (
	"strings"
	"testing"
)

func TestUsageErrors(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 256)
	for name, tc := range map[string]struct {
		args []string
		want string
	}{
		"no verb":                {nil, `fanfare: expected one of "sub", "pub"`},
		"unknown verb":           {[]string{"send"}, "fanfare: unexpected argument send"},
		"sub without endpoint":   {[]string{"sub"}, "fanfare sub: --connect or --bind is missing"},
		"pub without endpoint":   {[]string{"pub", "a", "b"}, "fanfare pub: --connect or --bind is missing"},
		"endpoint to connect":    {[]string{"sub", "--connect", "tcp://host"}, `fanfare sub: --connect "tcp://host": `},
		"endpoint to bind":       {[]string{"pub", "--bind", "udp://*:1", "a", "b"}, `fanfare pub: --bind "udp://*:1": scheme "udp"`},
		"any port to connect":    {[]string{"sub", "--connect", anyPort}, `--connect "` + anyPort + `": any port is only for listening`},
		"prefix":                 {[]string{"sub", "--bind", anyPort, "--prefix", long}, "256 bytes, the limit is 255"},
		"number":                 {[]string{"sub", "--bind", anyPort, "--count", "few"}, `--count: expected a valid 64 bit uint but got "few"`},
		"duration":               {[]string{"sub", "--bind", anyPort, "--timeout", "5"}, `--timeout: expected duration but got "5"`},
		"negative timeout":       {[]string{"sub", "--bind", anyPort, "--timeout=-1s"}, "--timeout is -1s, it must be positive"},
		"negative interval":      {[]string{"pub", "--bind", anyPort, "--interval=-1s", "a", "b"}, "--interval is -1s, it must be positive"},
		"no topic":               {[]string{"pub", "--bind", anyPort}, `expected "<topic>`},
		"topic":                  {[]string{"pub", "--bind", anyPort, "a..b", "c"}, `topic name "a..b" has nothing in segment 2`},
		"header without value":   {[]string{"pub", "--bind", anyPort, "-H", "x", "a", "b"}, `"x" is not of the form NAME=VALUE`},
		"header without name":    {[]string{"pub", "--bind", anyPort, "-H", "=x", "a", "b"}, `-H "=x": property name is empty`},
		"header in upper case":   {[]string{"pub", "--bind", anyPort, "-H", "X=1", "a", "b"}, `-H "X=1": property name "X" is not in lower case`},
		"reserved header":        {[]string{"pub", "--bind", anyPort, "-H", "a=1", "-H", "id=1", "a", "b"}, `-H "id=1": the name is reserved`},
		"header of plain":        {[]string{"pub", "--bind", anyPort, "--plain", "-H", "a=1", "a", "b"}, "--header does not go with --plain"},
		"count of stdin":         {[]string{"pub", "--bind", anyPort, "--count", "2", "a"}, "--count repeats PAYLOAD, but there is none"},
		"count of nothing":       {[]string{"pub", "--bind", anyPort, "--count", "0", "a", "b"}, "--count is 0, it must be 1 or more"},
		"payload like a flag":    {[]string{"pub", "--bind", anyPort, "a", "-5"}, "unknown flag -5"},
		"two payloads":           {[]string{"pub", "--bind", anyPort, "a", "b", "c"}, "unexpected argument c"},
		"req without endpoint":   {[]string{"req", "a", "b"}, "fanfare req: --connect or --bind is missing"},
		"req without name":       {[]string{"req", "--connect", "tcp://host:1"}, "fanfare req: NAME is missing: only --plain goes without"},
		"req of a bad name":      {[]string{"req", "--connect", "tcp://host:1", "a..b", "c"}, `fanfare req: topic name "a..b"`},
		"plain req with name":    {[]string{"req", "--connect", "tcp://host:1", "--plain", "a", "b"}, `--plain goes without NAME, so "b" is an argument too many`},
		"no attempts":            {[]string{"req", "--connect", "tcp://host:1", "--attempts", "0", "a", "b"}, "--attempts is 0, it must be 1 to 1000"},
		"reply without endpoint": {[]string{"reply", "--echo", "a"}, "fanfare reply: --connect or --bind is missing"},
		"reply without reply":    {[]string{"reply", "--bind", anyPort, "a"}, "fanfare reply: one of --echo and --command is needed"},
		"reply with two":         {[]string{"reply", "--bind", anyPort, "--echo", "--command", "date", "a"}, "one of --echo and --command is needed"},
		"reply without name":     {[]string{"reply", "--bind", anyPort, "--echo"}, "fanfare reply: NAME is missing: only --plain goes without"},
		"plain reply with name":  {[]string{"reply", "--bind", anyPort, "--echo", "--plain", "a"}, `--plain goes without NAME, so "a" is an argument too many`},
		"push without endpoint":  {[]string{"push", "a", "b"}, "fanfare push: --connect or --bind is missing"},
		"push without task":      {[]string{"push", "--bind", anyPort}, "fanfare push: TASK is missing: only --plain goes without"},
		"push of a bad name":     {[]string{"push", "--bind", anyPort, "a..b", "c"}, `fanfare push: topic name "a..b"`},
		"plain push with task":   {[]string{"push", "--bind", anyPort, "--plain", "a", "b"}, `--plain goes without TASK, so "b" is an argument too many`},
		"pull without endpoint":  {[]string{"pull", "a"}, "fanfare pull: --connect or --bind is missing"},
		"pull without task":      {[]string{"pull", "--bind", anyPort}, "fanfare pull: TASK is missing: only --plain goes without"},
		"plain pull with task":   {[]string{"pull", "--bind", anyPort, "--plain", "a"}, `--plain goes without TASK, so "a" is an argument too many`},
		"pull with no command":   {[]string{"pull", "--bind", anyPort, "--exec", "", "a"}, "fanfare pull: --exec is empty"},
		"fewer subscribers than": {[]string{"pub", "--bind", anyPort, "--wait=-1", "a", "b"}, "--wait: "},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			i := start(t, tc.args...)
			i.exits(exitUsage)
			if got := i.stderr.String(); !strings.Contains(got, tc.want) || !strings.Contains(got, "--help") {
				t.Errorf("stderr is %q, want %q and a hint at --help", got, tc.want)
			}
			if i.stdout.String() != "" {
				t.Errorf("stdout is %q, want nothing", i.stdout)
			}
		})
	}
}

func TestPortInUse(t *testing.T) {
	t.Parallel()
	endpoint := start(t, "sub", "--bind", anyPort).endpoint()
	i := start(t, "pub", "--bind", endpoint, "a", "b")
	i.exits(exitFailed)
	for _, want := range []string{"fanfare pub: --bind", endpoint, "address already in use"} {
		if !strings.Contains(i.stderr.String(), want) {
			t.Errorf("stderr is %q, want %q in it", i.stderr, want)
		}
	}
}

func TestHelp(t *testing.T) {
	t.Parallel()
	for verb, want := range map[string][]string{
		"":      {"sub ", "pub ", "req ", "reply ", "push ", "pull ", "3 for a timeout"},
		"req":   {"--connect", "--bind", "--timeout", "--attempts", "--plain", "Examples:"},
		"reply": {"--connect", "--bind", "--echo", "--command", "--plain", "FANFARE_NAME", "Up to 16 run", "Examples:"},
		"push":  {"--connect", "--bind", "--plain", "--wait", "--timeout", "TASK.dead", "Examples:"},
		"pull":  {"--connect", "--bind", "--plain", "--count", "--timeout", "--exec", "FANFARE_NAME", "Examples:"},
		"sub":   {"--connect", "--bind", "--prefix", "--count", "--timeout", "--raw", "payload_base64", "Examples:"},
		"pub":   {"--connect", "--bind", "--plain", "--wait", "--count", "--interval", "--timeout", "-H", "Examples:"},
	} {
		t.Run("fanfare "+verb, func(t *testing.T) {
			t.Parallel()
			i := start(t, append(strings.Fields(verb), "--help")...)
			i.exits(exitDone)
			for _, text := range want {
				if !strings.Contains(i.stdout.String(), text) {
					t.Errorf("no %q in\n%s", text, i.stdout)
				}
			}
		})
	}
}

func TestVersion(t *testing.T) {
	t.Parallel()
	i := start(t, "--version")
	i.exits(exitDone)
	if got := i.stdout.String(); !strings.HasPrefix(got, "fanfare ") || !strings.Contains(got, "go1.") {
		t.Errorf("got %q, want the versions of fanfare and Go", got)
	}
}
