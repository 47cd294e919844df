package envelope_test

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"testing/quick"

	"github.com/fanfare-go/fanfare/internal/envelope"
	"github.com/google/uuid"
)

var source = uuid.MustParse("00112233-4455-6677-8899-aabbccddeeff")

// golden is what goldenMeta looks like on the wire: the example of docs/wire.md.
const golden = "\xC1\x46\x46\x52" + // magic
	"\x01" + // version
	"\x00" + // flags
	"\x00\x11\x22\x33\x44\x55\x66\x77\x88\x99\xAA\xBB\xCC\xDD\xEE\xFF" + // source
	"\x00\x00\x00\x00\x00\x00\x00\x07" + // sequence
	"\x17\x97\x9C\xFE\x36\x2A\x00\x00" + // time
	"\x0Ccontent-type" + "\x00\x00\x00\x10application/json" +
	"\x06tenant" + "\x00\x00\x00\x04acme" +
	"\x03key" + "\x00\x00\x00\x01k"

func goldenMeta() *envelope.Meta {
	origin := &envelope.Origin{Topic: "orders.created", Source: source, ContentType: "application/json"}
	return &envelope.Meta{Origin: origin, Seq: 7, Time: 1_700_000_000_000_000_000, Text: text("tenant", "acme", "key", "k")}
}

// text encodes names and values, given in turn, as properties.
func text(namesAndValues ...string) string {
	var dst []byte
	for i := 0; i < len(namesAndValues); i += 2 {
		dst = envelope.AppendProperty(dst, namesAndValues[i], namesAndValues[i+1])
	}
	return string(dst)
}

func TestAppendGolden(t *testing.T) {
	t.Parallel()
	if got := envelope.Append(nil, goldenMeta()); string(got) != golden {
		t.Errorf("got  % X\nwant % X", got, golden)
	}
}

// TestGoldenIsDocumented reads the example in docs/wire.md. There two spaces part the bytes from what they mean.
func TestGoldenIsDocumented(t *testing.T) {
	t.Parallel()
	document, err := os.ReadFile("../../docs/wire.md")
	if err != nil {
		t.Fatal(err)
	}
	_, example, _ := strings.Cut(string(document), "\nframe 1 ")
	example, _, found := strings.Cut(example, "\nframe 2 ")
	if !found {
		t.Fatal("docs/wire.md has no example of frames 1 and 2")
	}
	var got []byte
	for line := range strings.Lines(example) {
		digits, _, _ := strings.Cut(strings.TrimSpace(line), "  ")
		b, err := hex.DecodeString(strings.ReplaceAll(digits, " ", ""))
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, b...)
	}
	if string(got) != golden {
		t.Errorf("docs/wire.md has\n% x, want\n% x", got, golden)
	}
}

func TestAppendLeavesDst(t *testing.T) {
	t.Parallel()
	if got := envelope.Append([]byte("head:"), goldenMeta()); string(got) != "head:"+golden {
		t.Errorf("got %q", got)
	}
}

func TestAppendProperties(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		origin     envelope.Origin
		text, want string
	}{
		"nothing":             {envelope.Origin{}, "", ""},
		"no key":              {envelope.Origin{Keyed: true}, "", ""},
		"key":                 {envelope.Origin{Keyed: true}, "k", text("key", "k")},
		"content type":        {envelope.Origin{Keyed: true, ContentType: "text/plain"}, "", text("content-type", "text/plain")},
		"properties":          {envelope.Origin{ContentType: "text/plain"}, text("a", "1"), text("content-type", "text/plain", "a", "1")},
		"the event's is last": {envelope.Origin{ContentType: "x/x"}, text("content-type", "y/y"), text("content-type", "x/x", "content-type", "y/y")},
	} {
		got := envelope.Append(nil, &envelope.Meta{Origin: &tc.origin, Text: tc.text})[envelope.Size:]
		if string(got) != tc.want {
			t.Errorf("%s: %q, want %q", name, got, tc.want)
		}
	}
}

func TestParseGolden(t *testing.T) {
	t.Parallel()
	got, err := envelope.Parse([]byte(golden))
	want := envelope.Header{
		Source:     source,
		Seq:        7,
		Time:       1_700_000_000_000_000_000,
		Properties: text("content-type", "application/json", "tenant", "acme", "key", "k"),
	}
	if err != nil || got != want {
		t.Errorf("got  %+v, %v\nwant %+v", got, err, want)
	}
}

func TestRoundTrip(t *testing.T) {
	t.Parallel()
	check := func(id [16]byte, seq uint64, time int64, key string, headers map[string]string) bool {
		sent := envelope.Meta{Origin: &envelope.Origin{Source: id, Keyed: true}, Seq: seq, Time: time, Text: key}
		delete(headers, "")
		for name, value := range headers {
			sent.SetProperty(name, value)
		}
		frame := envelope.Append(nil, &sent)
		h, err := envelope.Parse(frame)
		got := envelope.Meta{Origin: &envelope.Origin{Source: h.Source}, Seq: h.Seq, Time: h.Time, Text: h.Properties}
		same := envelope.Is(frame) && err == nil &&
			h.Source == id && got.Seq == seq && got.Time == time && got.Key() == key
		for name, want := range headers {
			value, found := got.Property(name)
			same = same && found && value == want
		}
		return same
	}
	if err := quick.Check(check, nil); err != nil {
		t.Error(err)
	}
}

func TestIs(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		frame string
		want  bool
	}{
		"golden":           {golden, true},
		"no properties":    {golden[:envelope.Size], true},
		"too short":        {golden[:envelope.Size-1], false},
		"empty":            {"", false},
		"other magic":      {"\xC1FFS" + golden[4:], false},
		"text":             {strings.Repeat("orders.created ", 10), false},
		"another version":  {golden[:4] + "\x02" + golden[5:], true}, // claims to be one: Parse says why it cannot be read
		"only the magic":   {golden[:4], false},
		"shifted by one":   {"\x00" + golden, false},
		"all zeros":        {strings.Repeat("\x00", len(golden)), false},
		"magic, then text": {golden[:4] + strings.Repeat("x", envelope.Size-4), true},
	} {
		if got := envelope.Is([]byte(tc.frame)); got != tc.want {
			t.Errorf("%s: %t, want %t", name, got, tc.want)
		}
	}
}

func TestParseErrors(t *testing.T) {
	t.Parallel()
	head := golden[:envelope.Size]
	for name, tc := range map[string]struct{ frame, want string }{
		"empty":             {"", "envelope: 0 bytes without the magic, or fewer than 38"},
		"no magic":          {"X" + golden[1:], "envelope: 95 bytes without the magic, or fewer than 38"},
		"version 0":         {head[:4] + "\x00" + head[5:], "envelope: version 0, this program reads 1"},
		"version 2":         {head[:4] + "\x02" + head[5:], "envelope: version 2, this program reads 1"},
		"empty name":        {head + "\x00\x00\x00\x00\x00", "envelope: property at byte 38 is cut short or has no name"},
		"second name empty": {head + text("a", "1") + "\x00\x00\x00\x00\x01x", "envelope: property at byte 45 is cut short or has no name"},
		"value too long":    {head + "\x01a\xFF\xFF\xFF\xFFx", "envelope: property at byte 38 is cut short or has no name"},
		"too large":         {head + text("a", strings.Repeat("x", 65_493)), "envelope: 65537 bytes, more than 65536"},
	} {
		_, err := envelope.Parse([]byte(tc.frame))
		var wrong *envelope.Error
		if !errors.As(err, &wrong) || err.Error() != tc.want {
			t.Errorf("%s: %v, want %s", name, err, tc.want)
		}
	}
}

func TestParseTakesTheLargest(t *testing.T) {
	t.Parallel()
	value := strings.Repeat("x", 65_492)
	frame := golden[:envelope.Size] + text("a", value)
	if len(frame) != 64<<10 {
		t.Fatalf("the frame has %d bytes", len(frame))
	}
	h, err := envelope.Parse([]byte(frame))
	if got, _ := envelope.Lookup(h.Properties, "a"); err != nil || got != value {
		t.Errorf("%d bytes came back, %v", len(got), err)
	}
}

// TestParseRefusesEveryTruncation cuts an envelope off at every byte. Only between two properties is the rest an envelope.
func TestParseRefusesEveryTruncation(t *testing.T) {
	t.Parallel()
	const contentTypeEnd, tenantEnd = envelope.Size + 33, envelope.Size + 33 + 15
	for n := range len(golden) {
		_, err := envelope.Parse([]byte(golden[:n]))
		want := n == envelope.Size || n == contentTypeEnd || n == tenantEnd
		if (err == nil) != want {
			t.Errorf("the first %d bytes: %v", n, err)
		}
	}
}

func TestParseFlags(t *testing.T) {
	t.Parallel()
	for bit := range 8 {
		frame := []byte(golden)
		frame[5] = 1 << bit
		_, err := envelope.Parse(frame)
		if bit < 4 {
			if err != nil {
				t.Errorf("bit %d, which may be ignored: %v", bit, err)
			}
			continue
		}
		if want := fmt.Sprintf("envelope: flags 0x%02x that this program does not know", 1<<bit); err == nil || err.Error() != want {
			t.Errorf("bit %d: %v, want %s", bit, err, want)
		}
	}
}

func TestSetSeq(t *testing.T) {
	t.Parallel()
	for _, seq := range []uint64{0, 1, 0x0102030405060708, 1<<64 - 1} {
		m := goldenMeta()
		frame := envelope.Append(nil, m)
		envelope.SetSeq(frame, seq)
		m.Seq = seq
		if want := envelope.Append(nil, m); !bytes.Equal(frame, want) {
			t.Errorf("%d: got % X, want % X", seq, frame, want)
		}
	}
}

func TestMarkRetained(t *testing.T) {
	t.Parallel()
	frame := []byte(golden)
	before, _ := envelope.Parse([]byte(golden))
	for range 2 { // setting it twice is setting it
		envelope.MarkRetained(frame)
		if want := golden[:5] + "\x01" + golden[6:]; string(frame) != want {
			t.Fatalf("got % X, want % X", frame, want)
		}
	}
	h, err := envelope.Parse(frame)
	if err != nil || before.Retained || !h.Retained {
		t.Errorf("before %t, marked %t, %v", before.Retained, h.Retained, err)
	}
	if h.Retained = false; h != before {
		t.Errorf("marking changed %+v to %+v", before, h)
	}
	for _, flags := range []byte{0x02, 0x04, 0x08} { // of other versions
		frame[5] = flags
		if h, err := envelope.Parse(frame); err != nil || h.Retained {
			t.Errorf("flags %#x: retained %t, %v", flags, h.Retained, err)
		}
	}
}

func TestParseAndLookupDoNotAllocate(t *testing.T) {
	frame := []byte(golden)
	n := testing.AllocsPerRun(100, func() {
		h, err := envelope.Parse(frame)
		if err != nil {
			t.Fatal(err)
		}
		if tenant, _ := envelope.Lookup(h.Properties, "tenant"); tenant != "acme" {
			t.Fatalf("tenant %q", tenant)
		}
	})
	if n != 0 {
		t.Errorf("reading an envelope allocates %v times", n)
	}
}

// FuzzParse checks that what Parse accepts says nothing but what Append would write, and that what it refuses has a reason.
func FuzzParse(f *testing.F) {
	f.Add([]byte(golden))
	f.Add([]byte(golden[:envelope.Size]))
	f.Add([]byte(golden[:envelope.Size] + "\x00\x00\x00\x00\x00"))
	f.Add([]byte(golden[:5] + "\x0F" + golden[6:envelope.Size] + "\x01a\xFF\xFF\xFF\xFF"))
	f.Add([]byte("orders.created"))
	f.Fuzz(func(t *testing.T, frame []byte) {
		h, err := envelope.Parse(frame)
		if err != nil {
			var wrong *envelope.Error
			if !errors.As(err, &wrong) || wrong.Reason == "" || len(err.Error()) > 100 {
				t.Fatalf("% X: %v", frame, err)
			}
			return
		}
		if !envelope.Is(frame) {
			t.Fatalf("% X parses, but is no envelope", frame)
		}
		again := envelope.Append(nil, &envelope.Meta{
			Origin: &envelope.Origin{Source: h.Source}, Seq: h.Seq, Time: h.Time, Text: h.Properties,
		})
		again[5] = frame[5] // flags that may be ignored are not kept
		if !bytes.Equal(again, frame) {
			t.Fatalf("% X became % X", frame, again)
		}
	})
}

func BenchmarkParse(b *testing.B) {
	frame := []byte(golden)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := envelope.Parse(frame); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkAppend(b *testing.B) {
	m, dst := goldenMeta(), make([]byte, 0, len(golden))
	b.ReportAllocs()
	for b.Loop() {
		if got := envelope.Append(dst, m); len(got) != len(golden) {
			b.Fatalf("%d bytes", len(got))
		}
	}
}
