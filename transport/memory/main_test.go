package memory_test

import (
	"bytes"
	"context"
	"testing"
	"testing/synctest"

	"github.com/fanfare-go/fanfare/internal/envelope"
	"github.com/fanfare-go/fanfare/transport"
	"github.com/fanfare-go/fanfare/transport/memory"
	"github.com/google/uuid"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// bubble runs a test in virtual time: what does not come shows at once.
func bubble(t *testing.T, test func(t *testing.T)) {
	t.Helper()
	t.Parallel()
	synctest.Test(t, test)
}

// join returns transports of one network.
func join(t testing.TB, n int, o *memory.Options) []*memory.Transport {
	t.Helper()
	network := memory.NewNetwork(o)
	all := make([]*memory.Transport, n)
	for i := range all {
		all[i] = joinTo(t, network)
	}
	return all
}

func joinTo(t testing.TB, network *memory.Network) *memory.Transport {
	t.Helper()
	tr := network.Join()
	t.Cleanup(func() { _ = tr.Close() })
	return tr
}

// pair returns a transport that publishes and one that is subscribed to prefixes.
func pair(t testing.TB, o *memory.Options, prefixes ...string) (pub, sub *memory.Transport) {
	t.Helper()
	all := join(t, 2, o)
	subscribe(t, all[1], prefixes...)
	return all[0], all[1]
}

func subscribe(t testing.TB, tr transport.Transport, prefixes ...string) {
	t.Helper()
	for _, prefix := range prefixes {
		if err := tr.Subscribe(prefix); err != nil {
			t.Fatal(err)
		}
	}
}

func unsubscribe(t testing.TB, tr transport.Transport, prefix string) {
	t.Helper()
	if err := tr.Unsubscribe(prefix); err != nil {
		t.Fatal(err)
	}
}

// numbered returns a message with a true envelope.
func numbered(topic string, seq uint64, payload ...string) *transport.Message {
	m := message(topic, payload...)
	m.Envelope = envelope.Append(nil, &envelope.Meta{Origin: &envelope.Origin{Source: uuid.UUID{1}}, Seq: seq})
	return m
}

// message returns a plain message.
func message(topic string, payload ...string) *transport.Message {
	m := &transport.Message{Topic: topic}
	for _, part := range payload {
		m.Payload = append(m.Payload, []byte(part))
	}
	return m
}

func publish(t testing.TB, tr transport.Transport, messages ...*transport.Message) {
	t.Helper()
	for _, m := range messages {
		if err := tr.Publish(m); err != nil {
			t.Fatal(err)
		}
	}
}

// text returns the payload with a bar between its parts.
func text(m transport.Message) string { return string(bytes.Join(m.Payload, []byte("|"))) }

// received returns the topics and payloads of all that is there.
func received(t testing.TB, tr transport.Transport) (all []string) {
	t.Helper()
	for _, m := range drain(t, tr) {
		all = append(all, m.Topic+" "+text(m))
	}
	return all
}

// drain returns all messages that are there. It is for bubbles.
func drain(t testing.TB, tr transport.Transport) (all []transport.Message) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	received := make(chan []transport.Message)
	go func() {
		defer close(received)
		for {
			into := make([]transport.Message, 3)
			n, err := tr.Receive(ctx, into)
			if err != nil {
				return
			}
			received <- into[:n]
		}
	}()
	for {
		synctest.Wait()
		select {
		case some, ok := <-received:
			if !ok {
				return all
			}
			all = append(all, some...)
		default:
			cancel()
			<-received
			return all
		}
	}
}

// closed reports whether a channel is.
func closed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}
