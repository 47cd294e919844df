package pickle_test

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"math"
	"math/big"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/fanfare-go/fanfare/codec"
	"github.com/fanfare-go/fanfare/codec/pickle"
	"github.com/fanfare-go/fanfare/testing/interop"
	"pgregory.net/rapid"
)

// dumps evaluates each line and prints its pickles under protocols 0 to 5, in hexadecimal.
const dumps = `
import os, pickle, sys
class Hostile:
    def __reduce__(self): return os.system, ("touch '" + sys.argv[1] + "'",)
class Instance: pass
shared, cycle, pair = [1, 2], [], ([],)
cycle.append(cycle)
pair[0].append(pair)
for line in sys.stdin:
    print(*(pickle.dumps(eval(line), protocol).hex() for protocol in range(6)), flush=True)
`

// loads unpickles each line, and prints what that is in Python.
const loads = `
import pickle, sys
for line in sys.stdin:
    print(ascii(pickle.loads(bytes.fromhex(line))), flush=True)
`

// again unpickles each line, and prints the pickles of that under protocols 0 to 5.
const again = `
import pickle, sys
for line in sys.stdin:
    value = pickle.loads(bytes.fromhex(line))
    print(*(pickle.dumps(value, protocol).hex() for protocol in range(6)), flush=True)
`

// python starts a program that answers each line with one. The function asks it.
func python(t *testing.T, program string, args ...string) (ask func(t rapid.TB, line string) string) {
	t.Helper()
	interop.Require(t)
	cmd := exec.Command("/usr/bin/python3", append([]string{"-c", program}, args...)...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(stdin.Close(), cmd.Wait()); err != nil {
			t.Errorf("%v: %s", err, &stderr)
		}
	})
	answers := bufio.NewReader(stdout)
	return func(t rapid.TB, line string) string {
		t.Helper()
		if _, err := io.WriteString(stdin, line+"\n"); err != nil {
			t.Fatal(err)
		}
		answer, err := answers.ReadString('\n')
		if err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		return strings.TrimSuffix(answer, "\n")
	}
}

// pickles returns the pickles of an answer, by protocol.
func pickles(t rapid.TB, answer string) (all [][]byte) {
	t.Helper()
	for _, field := range strings.Fields(answer) {
		src, err := hex.DecodeString(field)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, src)
	}
	if len(all) != 6 {
		t.Fatalf("%d pickles, want those of 6 protocols", len(all))
	}
	return all
}

func TestFromPython(t *testing.T) {
	t.Parallel()
	ask := python(t, dumps, "")
	long, _ := new(big.Int).SetString("-123456789012345678901234567890", 10)
	for expression, want := range map[string]any{
		"None":                             nil,
		"[True, False]":                    []any{true, false},
		"[0, 255, 256, 65535, 65536, -1]":  []any{int64(0), int64(255), int64(256), int64(65535), int64(65536), int64(-1)},
		"[2**63-1, -2**63, 2**31, -2**31]": []any{int64(math.MaxInt64), int64(math.MinInt64), int64(1 << 31), int64(-1 << 31)},
		"-123456789012345678901234567890":  long,
		"2**63":                            new(big.Int).Lsh(big.NewInt(1), 63),
		"2**4000":                          new(big.Int).Lsh(big.NewInt(1), 4000),
		"-(2**71)":                         new(big.Int).Neg(new(big.Int).Lsh(big.NewInt(1), 71)),
		"[1.5, -0.1, 1e300, float('inf'), float('-inf')]": []any{1.5, -0.1, 1e300, math.Inf(1), math.Inf(-1)},
		`"Größe \u4e16\U0001f600 \\ \\u0041 \r\n\0\x1a"`:  "Größe 世😀 \\ \\u0041 \r\n\x00\x1a",
		"'a' * 70000":            strings.Repeat("a", 70000),
		"[]":                     []any{},
		"(), (1,), (1, 2, 3, 4)": []any{[]any{}, []any{int64(1)}, []any{int64(1), int64(2), int64(3), int64(4)}},
		"{}":                     map[string]any{},
		"{'id': 1, 'lines': [{'name': 'ink'}, None]}": map[string]any{"id": int64(1), "lines": []any{map[string]any{"name": "ink"}, nil}},
		"{1: 'a', 'b': 2, None: 3, 1.5: 4}":           map[any]any{int64(1): "a", "b": int64(2), nil: int64(3), 1.5: int64(4)},
		"[shared, {'again': shared}]":                 []any{[]any{int64(1), int64(2)}, map[string]any{"again": []any{int64(1), int64(2)}}},
		"[0] * 3000":                                  repeated(3000),
	} {
		for protocol, src := range pickles(t, ask(t, expression)) {
			var got any
			if err := pickle.Codec.Decode(src, &got); err != nil || !reflect.DeepEqual(got, want) {
				t.Errorf("%.60s under protocol %d: %.200v, %v", expression, protocol, got, err)
			}
			truncated(t, src)
		}
	}
	for protocol, src := range pickles(t, ask(t, "float('nan')")) {
		var got any
		if err := pickle.Codec.Decode(src, &got); err != nil || !math.IsNaN(got.(float64)) {
			t.Errorf("NaN under protocol %d: %v, %v", protocol, got, err)
		}
	}
	for protocol, src := range pickles(t, ask(t, `[b"\0\xff", b"a" * 70000]`)) {
		var got any
		err := pickle.Codec.Decode(src, &got)
		if protocol < 3 {
			if err == nil || !strings.HasSuffix(err.Error(), "opcode GLOBAL, which names or calls code: only plain data is decoded (bytes need pickle protocol 3 or later)") {
				t.Errorf("bytes under protocol %d: %v", protocol, err)
			}
		} else if want := []any{[]byte{0, 255}, bytes.Repeat([]byte("a"), 70000)}; err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("bytes under protocol %d: %.200v, %v", protocol, got, err)
		}
	}
}

func repeated(n int) []any {
	items := make([]any, n)
	for i := range items {
		items[i] = int64(0)
	}
	return items
}

// truncated checks that no beginning of a pickle is one.
func truncated(t *testing.T, src []byte) {
	t.Helper()
	for end := range min(len(src), 300) {
		var value any
		err := pickle.Codec.Decode(src[:end], &value)
		var wrong *codec.FormatError
		if !errors.As(err, &wrong) || !errors.Is(err, io.ErrUnexpectedEOF) || wrong.Offset != int64(end) {
			t.Fatalf("%d of the %d bytes %.60q: %v, want an unexpected end there", end, len(src), src, err)
		}
	}
}

// Each of these calls code, is none of plain data, or has no end.
func TestHostilePython(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "it ran")
	ask := python(t, dumps, file)
	for expression, want := range map[string]string{
		"Hostile()":                 "GLOBAL, which names or calls code",
		"{'id': 1, 'x': Hostile()}": "GLOBAL, which names or calls code",
		"os.system":                 "GLOBAL, which names or calls code",
		"Instance()":                "GLOBAL, which names or calls code",
		"Instance":                  "GLOBAL, which names or calls code",
		"1j":                        "GLOBAL, which names or calls code",
		"{1, 2}":                    "which",
		"frozenset((1, 2))":         "which",
		"bytearray(b'a')":           "which",
		"cycle":                     "contains itself",
		"pair":                      "", // Python needs POP for it
	} {
		for protocol, src := range pickles(t, ask(t, expression)) {
			var value any
			err := pickle.Codec.Decode(src, &value)
			var wrong *codec.FormatError
			if !errors.As(err, &wrong) || !strings.Contains(err.Error(), want) {
				t.Errorf("%s under protocol %d: %v, %v, want %s", expression, protocol, value, err, want)
			}
			if err := pickle.Codec.Decode(src, new(order)); err == nil {
				t.Errorf("%s under protocol %d became an order", expression, protocol)
			}
		}
	}
	if _, err := os.Stat(file); !errors.Is(err, os.ErrNotExist) {
		t.Fatalf("a pickle has run code: %v", err)
	}
	// And it would have: Python runs it.
	python(t, loads)(t, strings.Fields(ask(t, "[Hostile()]"))[5])
	if _, err := os.Stat(file); err != nil {
		t.Errorf("the pickle runs nothing, so that it is refused proves nothing: %v", err)
	}
}

func TestToPython(t *testing.T) {
	t.Parallel()
	ask := python(t, loads)
	note := "a\nb"
	long, _ := new(big.Int).SetString("-123456789012345678901234567890", 10)
	for want, value := range map[string]any{
		"None":                            new(any),
		"[True, False, None]":             new([]any{true, false, nil}),
		"[0, 255, 256, 65536, -1]":        new([]int{0, 255, 256, 65536, -1}),
		"-9223372036854775808":            new(int64(math.MinInt64)),
		"18446744073709551615":            new(uint64(math.MaxUint64)),
		"-123456789012345678901234567890": &long,
		"[1.5, inf, -inf, nan]":           new([]float64{1.5, math.Inf(1), math.Inf(-1), math.NaN()}),
		`'Gr\xf6\xdfe \u4e16\U0001f600'`:  new("Größe 世😀"),
		`b'\x00\xff'`:                     new([]byte{0, 255}),
		"[]":                              &[]string{},
		"{}":                              &map[string]int{},
		"{'a': [1], 'b': {}}":             new(map[string]any{"b": map[string]any{}, "a": []int{1}}),
		"{1: 'a', 2: 'b'}":                new(map[int]string{2: "b", 1: "a"}),
		`{'id': 7, 'Lines': [{'Article': 'ink', 'count': 2}], 'note': 'a\nb'}`: &order{ID: 7, Lines: []line{{Article: "ink", Count: 2}}, Note: &note},
	} {
		encoded, err := pickle.Codec.Append(nil, value)
		if err != nil {
			t.Fatal(err)
		}
		if got := ask(t, hex.EncodeToString(encoded)); got != want {
			t.Errorf("%#v is %s in Python, want %s", value, got, want)
		}
	}
	long.Lsh(long, 4000) // more than 255 bytes
	for _, text := range []string{strings.Repeat("a", 300), strings.Repeat("ö", 300)} {
		value := []any{text, []byte(text), long}
		encoded, err := pickle.Codec.Append(nil, &value)
		if err != nil {
			t.Fatal(err)
		}
		var got any
		src := pickles(t, python(t, again)(t, hex.EncodeToString(encoded)))[5]
		if err := pickle.Codec.Decode(src, &got); err != nil || !reflect.DeepEqual(got, any(value)) {
			t.Errorf("%.200v came back as %.200v, %v", value, got, err)
		}
	}
}

// Whatever plain data there is goes to Python and comes back equal, under every protocol that has its types.
func TestThroughPython(t *testing.T) {
	t.Parallel()
	ask := python(t, again)
	rapid.Check(t, func(t *rapid.T) {
		value := values().Draw(t, "value")
		encoded, err := pickle.Codec.Append(nil, &value)
		if err != nil {
			t.Fatal(err)
		}
		for protocol, src := range pickles(t, ask(t, hex.EncodeToString(encoded))) {
			if protocol < 3 && hasBytes(value) {
				continue
			}
			var got any
			if err := pickle.Codec.Decode(src, &got); err != nil || fmt.Sprintf("%#v", plain(got)) != fmt.Sprintf("%#v", plain(value)) {
				t.Fatalf("%#v came back under protocol %d as %#v, %v", value, protocol, got, err)
			}
		}
	})
}
