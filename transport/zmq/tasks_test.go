package zmq_test

import (
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/fanfare-go/fanfare/internal/rawpeer"
	"github.com/fanfare-go/fanfare/internal/zmtp"
	"github.com/fanfare-go/fanfare/socket"
	"github.com/fanfare-go/fanfare/transport"
	"github.com/fanfare-go/fanfare/transport/zmq"
	"github.com/go-zeromq/zmq4"
)

// taskPair returns a transport that pushes and one that pulls from it, with who uses them.
func taskPair(t testing.TB, endpoint string) (push, pull *zmq.Transport, source *taskSource, sink *taskSink) {
	t.Helper()
	push = open(t, &zmq.Options{Push: zmq.Bind(endpoint)})
	pull = open(t, &zmq.Options{Pull: zmq.Connect(push.Bound().Push...)})
	source, sink = newTaskSource(), newTaskSink()
	produce(t, push, source)
	work(t, pull, sink)
	return push, pull, source, sink
}

// Tasks go one way, and what became of them the other, over every kind of endpoint.
func TestTasks(t *testing.T) {
	t.Parallel()
	overEach(t, func(t *testing.T, endpoint string) {
		push, pull, source, sink := taskPair(t, endpoint)
		w, p := source.next(t), sink.next(t)
		source.want(t, "up plain=false")
		sink.want(t, "up plain=false")
		p.Credit("a", 2)
		source.want(t, "credit a 2")
		if nth := give(t, w, message("a", "x", "y")); nth != 1 {
			t.Errorf("number %d", nth)
		}
		plain := message("a", "z")
		plain.Plain = true
		give(t, w, plain)
		sink.want(t, "task a true x|y", "task  false z")
		p.Ack("a", 7, 3)
		source.want(t, "ack a 7+3") // a nack may overtake what gathers
		p.Nack("a", 10, time.Second, "no")
		source.want(t, "nack a 10 1s no")
		p.Nack("a", 11, -1, "never")
		p.Credit("a", 0)
		source.want(t, "nack a 11 -1ns never", "credit a 0")
		if s := push.Stats(); s.Sent != 2 {
			t.Errorf("%+v", s)
		}
		_ = pull.Close() // after it everything is counted
		if s := pull.Stats(); s.Received != 2 || s.Untaken != 0 {
			t.Errorf("%+v", s)
		}
		source.want(t, "down sent=2 err=true")
		if _, err := w.Send(message("a", "late")); err != transport.ErrLost {
			t.Errorf("to who is gone: %v", err)
		}
		_ = push.Close()
		sink.want(t, "down err=true")
	})
}

// While commands are being written, further ones gather: consecutive acknowledgements become one range, and credit adds up.
func TestCommandsGather(t *testing.T) {
	t.Parallel()
	pull := open(t, &zmq.Options{Pull: zmq.Bind(anyPort)})
	sink := newTaskSink()
	work(t, pull, sink)
	push := rawPeerAt(t, pull.Bound().Pull[0], "PUSH", "X-Fanfare=1")
	p := sink.next(t)
	const n = 100_000
	for i := range uint64(n) {
		p.Ack("a", i+1, 1)
		p.Credit("a", 1)
	}
	commands, acked, credit := 0, uint64(0), uint64(0)
	for acked < n || credit < n {
		commands++
		switch got := push.Next(); {
		case strings.HasPrefix(got, "/\x05FFACK\x01a"):
			for ranges := got[len("/\x05FFACK\x01a"):]; ranges != ""; ranges = ranges[12:] {
				if first := number(ranges[:8]); first != acked+1 {
					t.Fatalf("acknowledged from %d after %d", first, acked)
				}
				acked += number(ranges[8:12])
			}
		case strings.HasPrefix(got, "/\x08FFCREDIT") && strings.HasSuffix(got, "a"):
			credit += number(got[len("/\x08FFCREDIT"):][:4])
		default:
			t.Fatalf("got %q", got)
		}
	}
	if acked != n || credit != n || commands > n/4 {
		t.Errorf("%d acknowledged, credit %d, in %d commands", acked, credit, commands)
	}
}

// number reads big-endian bytes.
func number(bytes string) (n uint64) {
	for _, b := range []byte(bytes) {
		n = n<<8 | uint64(b)
	}
	return n
}

// Before Work nothing is read, and nothing is lost; before Produce credit is remembered.
func TestTasksWaitForTheirUsers(t *testing.T) {
	t.Parallel()
	pull := open(t, &zmq.Options{Pull: zmq.Bind(anyPort)})
	push := socket.NewPush(nil)
	t.Cleanup(func() { _ = push.Close() })
	if err := push.Dial(pull.Bound().Pull[0]); err != nil {
		t.Fatal(err)
	}
	for i := range 10 {
		if err := push.Send(zmq4.NewMsgString(fmt.Sprint(i))); err != nil {
			t.Fatal(err)
		}
	}
	sink := newTaskSink()
	release := work(t, pull, sink)
	sink.want(t, "up plain=false")
	for i := range 10 {
		sink.want(t, fmt.Sprintf("task  false %d", i))
	}
	var used *transport.InUseError
	if _, err := pull.Work(newTaskSink()); !errors.As(err, &used) || used.What != "Work" {
		t.Error(err)
	}
	release()
	other := newTaskSink()
	work(t, pull, other)
	other.want(t, "up plain=false")

	bound := open(t, &zmq.Options{Push: zmq.Bind(anyPort)})
	worker := rawPeerAt(t, bound.Bound().Push[0], "PULL", "X-Fanfare=1")
	worker.Command("FFCREDIT", "\x00\x00\x00\x01a")
	worker.Command("FFCREDIT", "\x00\x00\x00\x00a")
	worker.Command("FFCREDIT", "\x00\x00\x00\x02a")
	worker.Command("FFCREDIT", "\x00\x00\x00\x03a")
	worker.Say(zmtp.AppendPing(nil, 0, []byte("all read")))
	worker.Want("/\x04PONGall read")
	source := newTaskSource()
	produce(t, bound, source)
	source.want(t, "up plain=false", "credit a 5")
	if _, err := bound.Produce(newTaskSource()); !errors.As(err, &used) || used.What != "Produce" {
		t.Error(err)
	}
	give(t, source.next(t), message("a", "x"))
	worker.Want("a|" + string(fakeEnvelope(38)) + "|x")
}

// Plain peers get and bring the payload alone. What they are told of acknowledgements and credit is nothing.
func TestTasksOfPlainPeers(t *testing.T) {
	t.Parallel()
	tr := open(t, &zmq.Options{Push: zmq.Bind(anyPort), Pull: zmq.Bind(anyPort)})
	source, sink := newTaskSource(), newTaskSink()
	produce(t, tr, source)
	work(t, tr, sink)
	pull := rawPeerAt(t, tr.Bound().Push[0], "PULL")
	source.want(t, "up plain=true")
	w := source.next(t)
	give(t, w, message("a", "x", "y"))
	pull.Want("x|y")
	pull.Command("FFACK", "nonsense") // a command of somebody else's
	push := rawPeerAt(t, tr.Bound().Pull[0], "PUSH")
	sink.want(t, "up plain=true")
	p := sink.next(t)
	p.Credit("a", 1)
	p.Ack("a", 1, 1)
	p.Nack("a", 1, 0, "")
	push.Say(zmtp.AppendMessage(nil, [][]byte{[]byte("payload")}))
	push.Say(zmtp.AppendMessage(nil, [][]byte{[]byte("a"), fakeEnvelope(38)}))
	push.Say(zmtp.AppendMessage(nil, [][]byte{[]byte(strings.Repeat("t", 256)), fakeEnvelope(38), []byte("x")}))
	sink.want(t, "task  false payload", "task  false a|"+string(fakeEnvelope(38)), "task  false "+strings.Repeat("t", 256)+"|"+string(fakeEnvelope(38))+"|x")
	push.Say(zmtp.AppendPing(nil, 0, []byte("nothing before")))
	push.Want("/\x04PONGnothing before")
	p.Reject(errors.New("enough"))
	sink.want(t, "down err=true")
	push.Want("EOF")
	pull.Say(zmtp.AppendMessage(nil, [][]byte{[]byte("against the direction")}))
	pull.Want("EOF")
	source.want(t, "down sent=1 err=true")
	_ = tr.Close()
	if s := tr.Stats(); s.BadPeers != 2 {
		t.Errorf("%+v", s)
	}
}

// Peers that send malformed commands, or announce without end, lose their connection, and nobody else does.
func TestBadTaskPeers(t *testing.T) {
	t.Parallel()
	for name, attack := range map[string]func(r *rawpeer.Peer){
		"credit":  func(r *rawpeer.Peer) { r.Command("FFCREDIT", "\x00\x00") },
		"ack":     func(r *rawpeer.Peer) { r.Command("FFACK", "\x01a\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01") },
		"cut":     func(r *rawpeer.Peer) { r.Command("FFACK", "\xffa") },
		"nack":    func(r *rawpeer.Peer) { r.Command("FFNACK", "\x01a") },
		"message": func(r *rawpeer.Peer) { r.Say(zmtp.AppendMessage(nil, [][]byte{[]byte("x")})) },
		"names": func(r *rawpeer.Peer) {
			var all []byte
			for i := range 5000 {
				all = zmtp.AppendCommand(all, "FFCREDIT", fmt.Appendf(nil, "\x00\x00\x00\x01%d", i))
			}
			_, _ = r.Write(all) // it may be cut off
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			push := open(t, &zmq.Options{Push: zmq.Bind(anyPort)})
			good, bad := rawPeerAt(t, push.Bound().Push[0], "PULL", "X-Fanfare=1"), rawPeerAt(t, push.Bound().Push[0], "PULL", "X-Fanfare=1")
			attack(bad)
			bad.Want("EOF")
			good.Command("FFOTHER", "what nobody knows")
			good.Command("FFCREDIT", "\x00\x00\x00\x01a")
			good.Say(zmtp.AppendPing(nil, 0, []byte("alive")))
			good.Want("/\x04PONGalive")
			eventually(t, push, "a bad peer", func() bool { return push.Stats().BadPeers == 1 })
			source := newTaskSource()
			produce(t, push, source)
			source.want(t, "up plain=false", "credit a 1")
			source.none(t)
		})
	}
}

// Shutdown flushes tasks and acknowledgements; a sink that waits is not waited for when the transport ends.
func TestTasksAreFlushed(t *testing.T) {
	t.Parallel()
	overEach(t, func(t *testing.T, endpoint string) {
		push, pull, source, sink := taskPair(t, endpoint)
		w, p := source.next(t), sink.next(t)
		source.want(t, "up plain=false")
		sink.want(t, "up plain=false")
		const n = 500
		for i := range n {
			give(t, w, message("a", fmt.Sprint(i)))
		}
		for i := range n {
			sink.want(t, fmt.Sprintf("task a true %d", i))
		}
		for i := range uint64(n) {
			p.Ack("a", 2*i+1, 1)
		}
		if err := pull.Shutdown(patient(t)); err != nil {
			t.Fatal(err)
		}
		for i := range uint64(n) {
			source.want(t, fmt.Sprintf("ack a %d+1", 2*i+1))
		}
		source.want(t, fmt.Sprintf("down sent=%d err=true", n))
		if err := push.Shutdown(patient(t)); err != nil {
			t.Fatal(err)
		}
		if _, err := push.Produce(source); err != zmq.ErrClosed {
			t.Error(err)
		}
		if _, err := pull.Work(sink); err != zmq.ErrClosed {
			t.Error(err)
		}
	})
}

// What is told at the very end arrives as well, however far the writing of what was told before has come: acknowledgements wait for that.
func TestLastAcknowledgementsAreFlushed(t *testing.T) {
	t.Parallel()
	overEach(t, func(t *testing.T, endpoint string) {
		push := open(t, &zmq.Options{Push: zmq.Bind(endpoint)})
		source := newTaskSource()
		produce(t, push, source)
		for i := range 200 {
			pull := open(t, &zmq.Options{Pull: zmq.Connect(push.Bound().Push...)})
			sink := newTaskSink()
			work(t, pull, sink)
			source.next(t)
			p := sink.next(t)
			p.Ack("a", 1, 1)
			for range i % 50 {
				runtime.Gosched()
			}
			p.Ack("a", 3, 1)
			if err := pull.Shutdown(patient(t)); err != nil {
				t.Fatal(err)
			}
			for _, want := range []string{"up plain=false", "ack a 1+1", "ack a 3+1", "down sent=0 err=true"} {
				source.want(t, want)
			}
		}
	})
}

// What the sink does not take is counted.
func TestUntakenTasksAreCounted(t *testing.T) {
	t.Parallel()
	pull := open(t, &zmq.Options{Pull: zmq.Bind(anyPort)})
	push := rawPeerAt(t, pull.Bound().Pull[0], "PUSH")
	sink := newTaskSink()
	sink.gate = make(chan struct{})
	close(sink.gate)
	work(t, pull, sink)
	push.Say(zmtp.AppendMessage(nil, [][]byte{[]byte("x")}), zmtp.AppendPing(nil, 0, []byte("!")))
	push.Want("/\x04PONG!")
	if s := pull.Stats(); s.Untaken != 1 || s.Received != 0 {
		t.Errorf("%+v", s)
	}
}

// Shutdown waits until a peer of ours has confirmed what it was told of its tasks.
func TestAcknowledgementsAreConfirmed(t *testing.T) {
	t.Parallel()
	pull := open(t, &zmq.Options{Pull: zmq.Bind(anyPort)})
	sink := newTaskSink()
	work(t, pull, sink)
	push := rawPeerAt(t, pull.Bound().Pull[0], "PUSH", "X-Fanfare=1")
	sink.next(t).Ack("a", 1, 1)
	ended := make(chan error, 1)
	go func() { ended <- pull.Shutdown(patient(t)) }()
	push.Want("/\x05FFACK\x01a\x00\x00\x00\x00\x00\x00\x00\x01\x00\x00\x00\x01")
	ping := push.Next()
	context, asked := strings.CutPrefix(ping, "/\x04PING")
	if !asked || len(ended) > 0 {
		t.Fatalf("got %q", ping)
	}
	push.Command("PONG", context[2:])
	for push.Next() != "EOF" {
		continue // its side ends, then ours
	}
	_ = push.Close()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// Of an owned task the payload alone is kept: the envelope may be reused at once, whatever its size.
func TestOwnedTaskEnvelopeIsCopied(t *testing.T) {
	t.Parallel()
	push := open(t, &zmq.Options{Push: zmq.Bind(anyPort)})
	pull := open(t, &zmq.Options{Pull: zmq.Connect(push.Bound().Push...)})
	const tasks = 200
	source, sink, seen := newTaskSource(), newTaskSink(), make(chan byte, tasks)
	sink.seen = seen
	produce(t, push, source)
	work(t, pull, sink)
	w := source.next(t)
	envelope := fakeEnvelope(20_000)
	for i := range tasks {
		envelope[len(envelope)-1] = byte(i)
		give(t, w, &transport.Message{Topic: "a", Envelope: envelope, Payload: [][]byte{{byte(i)}}, Owned: true})
	}
	for i := range tasks {
		select {
		case got := <-seen:
			if got != byte(i) {
				t.Fatalf("task %d has the envelope of %d", i, got)
			}
		case <-patient(t).Done():
			t.Fatalf("task %d has not come", i)
		}
	}
}

// An endpoint that does not take part says so, and its limit is that of messages.
func TestTaskOptions(t *testing.T) {
	t.Parallel()
	none := open(t, nil)
	if none.Pushes() || none.Pulls() || none.TaskLimit() != 64<<20 || none.FrameLimit() != 1022 {
		t.Errorf("%v, %v, %d", none.Pushes(), none.Pulls(), none.TaskLimit())
	}
	both := open(t, &zmq.Options{Push: zmq.Bind(anyPort), Pull: zmq.Bind(anyPort, anyPort), MaxMessageSize: 1000})
	if !both.Pushes() || !both.Pulls() || both.TaskLimit() != 1000 || len(both.Bound().Push) != 1 || len(both.Bound().Pull) != 2 {
		t.Errorf("%v, %v, %d, %+v", both.Pushes(), both.Pulls(), both.TaskLimit(), both.Bound())
	}
	source := newTaskSource()
	produce(t, both, source)
	reached := open(t, &zmq.Options{Pull: zmq.Connect(both.Bound().Push...)})
	w := source.next(t)
	var size *socket.MessageError
	if _, err := w.Send(message("a", strings.Repeat("x", 1000))); !errors.As(err, &size) {
		t.Error(err)
	}
	sink := newTaskSink()
	work(t, reached, sink)
	sink.want(t, "up plain=false")
	var full error
	for i := 0; full == nil && i < 1<<20; i++ { // the sink has begun, but nobody reads beyond the buffers
		_, full = w.Send(message("a", strings.Repeat("x", 900)))
		if i == 0 {
			sink.want(t, "task a true "+strings.Repeat("x", 900))
			sink.mu.Lock()
			defer sink.mu.Unlock()
		}
	}
	if full != transport.ErrFull {
		t.Errorf("without room: %v", full)
	}
}
