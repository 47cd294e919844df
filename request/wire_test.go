package request_test

import (
	"context"
	"encoding/hex"
	"errors"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/fanfare-go/fanfare/bus"
	"github.com/fanfare-go/fanfare/request"
	"github.com/fanfare-go/fanfare/transport"
	"github.com/google/uuid"
)

// documented returns the frames of the messages that docs/wire.md shows of requests. There two spaces part the bytes from what they mean.
func documented(t *testing.T) (messages [][][]byte) {
	t.Helper()
	page, err := os.ReadFile("../docs/wire.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(page), "\n## Request-reply\n")
	section, _, _ = strings.Cut(section, "\n## ")
	_, section, found := strings.Cut(section, "```\nframe 0 ")
	section, _, closed := strings.Cut(section, "```")
	if !found || !closed {
		t.Fatal("docs/wire.md shows no request")
	}
	var message [][]byte
	for line := range strings.Lines("frame 0 " + section) {
		if strings.TrimSpace(line) == "" {
			messages, message = append(messages, message), nil
			continue
		}
		digits := ""
		if len(line) > 10 {
			digits, _, _ = strings.Cut(line[10:], "  ")
		}
		bytes, err := hex.DecodeString(strings.ReplaceAll(strings.TrimSpace(digits), " ", ""))
		if err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		if strings.HasPrefix(line, "frame") {
			message = append(message, bytes)
		} else {
			last := len(message) - 1
			message[last] = append(message[last], bytes...)
		}
	}
	return append(messages, message)
}

// like gives an envelope the source and the time of another one: those differ each time.
func like(envelope, other []byte) []byte {
	c := slices.Clone(envelope)
	copy(c[6:22], other[6:22])
	copy(c[30:38], other[30:38])
	return c
}

func TestFramesAreDocumented(t *testing.T) {
	shown := documented(t)
	if len(shown) != 3 {
		t.Fatalf("%d messages are shown", len(shown))
	}
	question, reply, failure := shown[0], shown[1], shown[2]
	bubble(t, func(t *testing.T, b *bus.Bus, peers *fake) {
		server := peers.connect(func(a *arrival) {
			if got := like(a.message.Envelope, question[3]); string(got) != string(question[3]) {
				t.Errorf("the envelope of the request is\n% x, shown is\n% x", got, question[3])
			}
			if a.message.Topic != string(question[2]) || string(a.message.Payload[0]) != string(question[4]) {
				t.Errorf("%s(%s)", a.message.Topic, a.message.Payload)
			}
			a.reply("42")
		})
		if _, err := newClient(t, b, double, nil).Do(t.Context(), 21); err != nil {
			t.Error(err)
		}
		server.kill()

		serve(t, b, double, func(_ context.Context, n int) (int, error) {
			if n == 0 {
				return 0, errors.New("no luck")
			}
			return 2 * n, nil
		}, nil)
		for payload, want := range map[string][][]byte{"21": reply[2:], "0": {reply[2], failure[0], failure[1]}} {
			r := peers.ask(t, transport.Message{Topic: "math.double", Envelope: question[3], Payload: [][]byte{[]byte(payload)}})
			m := <-r.replies
			if got := like(m.Envelope, want[1]); m.Topic != string(want[0]) || string(got) != string(want[1]) || string(m.Payload[0]) != string(want[2]) {
				t.Errorf("%s is answered with %s % x %s, shown is % x %s", payload, m.Topic, got, m.Payload, want[1], want[2])
			}
			if uuid.UUID(m.Envelope[6:22]) != b.Source() {
				t.Error("the source of the reply is not the bus")
			}
		}
	})
}

// A server of the same bus counts as much as one elsewhere; what has passed is told by the time in the envelope.
func TestRequestsCarryTheTime(t *testing.T) {
	bubble(t, func(t *testing.T, b *bus.Bus, peers *fake) {
		peers.connect(func(a *arrival) {
			if sent := int64(time.Now().UnixNano()); sent-beTime(a.message.Envelope) > int64(2*time.Millisecond) {
				t.Errorf("sent %d, now %d", beTime(a.message.Envelope), sent)
			}
			a.reply("2")
		})
		if _, err := newClient(t, b, double, &request.Options{}).Do(t.Context(), 1); err != nil {
			t.Error(err)
		}
	})
}

func beTime(envelope []byte) (n int64) {
	for _, c := range envelope[30:38] {
		n = n<<8 | int64(c)
	}
	return n
}
