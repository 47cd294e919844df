package request

import (
	"strconv"
	"time"

	"github.com/fanfare-go/fanfare/internal/envelope"
	"github.com/fanfare-go/fanfare/transport"
)

// The properties of requests and replies, and their values (docs/wire.md).
const (
	kindProperty     = "kind"
	kindCancel       = "cancel"
	statusProperty   = "status"
	messageProperty  = "message"
	deadlineProperty = "deadline" // milliseconds left
	attemptProperty  = "attempt"  // from 2 on
)

// job is a request from another process on its way through a server.
type job struct {
	server  *Server
	request transport.Request
	next    *job // of those that wait
	origin  envelope.Origin
	meta    envelope.Meta
	ctx     callContext
}

// jobs is a list of jobs that wait.
type jobs struct {
	first, last *job
	n           int
}

func (l *jobs) push(j *job) {
	if l.n++; l.n == 1 {
		l.first = j
	} else {
		l.last.next = j
	}
	l.last = j
}

// pop takes the oldest off the list, which is not empty.
func (l *jobs) pop() *job {
	j := l.first
	if l.n--; l.n == 0 {
		l.last = nil
	}
	l.first, j.next = j.next, nil
	return j
}

func newJob(s *Server, r transport.Request, h envelope.Header) *job {
	j := &job{server: s, request: r}
	j.origin = envelope.Origin{Topic: s.call, Source: h.Source, Remote: true, Encoded: r.Message().Payload}
	j.meta = envelope.Meta{Origin: &j.origin, Seq: h.Seq, Time: h.Time, Text: h.Properties}
	j.ctx.Parent = s.ctx
	if text, ok := envelope.Lookup(h.Properties, deadlineProperty); ok {
		if left, err := strconv.ParseUint(text, 10, 32); err == nil { // another's nonsense is no deadline
			j.ctx.At = r.Arrived().Add(time.Duration(left) * time.Millisecond)
		}
	}
	return j
}

// take queues a job, or answers it at once.
func (s *Server) take(j *job) {
	if s.options.Idempotent != nil && !s.options.Idempotent.begin(j) {
		s.repeated.Add(1)
		return
	}
	j.request.OnAbandoned(j.abandoned)
	ok, start := s.slots.submit(j)
	if !ok {
		j.finish(encoding{}, errOverloaded)
	}
	s.start(start)
}

// abandoned ends the handler when nobody waits for the reply any more. A reply that is kept may be asked for again on another connection.
func (j *job) abandoned(lost bool) {
	if !lost || j.server.options.Idempotent == nil {
		j.ctx.End()
	}
}

// start starts a worker, if there is to be one. Done waits for it.
func (s *Server) start(start bool) {
	if start {
		go s.work()
	}
}

// work is a worker from its beginning.
func (s *Server) work() { s.run(s.slots.begin()) }

// run is a worker with its first job: it handles jobs as long as there are any.
func (s *Server) run(j *job, start bool) {
	returned := false
	defer func() {
		if !returned { // the handler has ended the goroutine
			s.log(errGoexit)
			j.finish(encoding{}, errGoexit)
			go s.run(s.slots.proceed(failure))
		}
	}()
	for s.start(start); j != nil; s.start(start) {
		j, start = s.slots.proceed(j.handle())
	}
	returned = true
}

// handle calls the handler, and answers.
func (j *job) handle() outcome {
	switch err := j.ctx.ErrAt(time.Unix(0, j.server.hub.bus.Now())); { // the clock of the bus is cheap
	case err == nil:
		return outcomeOf(j.server.handling.serve(j))
	case j.server.ctx.Err() != nil: // no client has asked for that, and another server may handle it
		j.finish(encoding{}, errOverloaded)
		return refusal
	default: // it has waited too long
		j.finish(encoding{}, err)
		return expiry
	}
}

// finish answers the job, and all that have asked the same.
func (j *job) finish(payload encoding, err error) {
	j.ctx.End()
	var refused *RemoteError
	if err != nil {
		refused = remote(err)
	}
	if replies := j.server.options.Idempotent; replies != nil {
		replies.finish(j, payload, refused)
		return
	}
	j.answer(j.request, payload, refused)
}

// answer answers one request with the outcome of the job.
func (j *job) answer(r transport.Request, payload encoding, failure *RemoteError) {
	s := j.server
	if j.interrupted(failure) && r.Message().Envelope != nil {
		r.Discard()
		return
	}
	if failure != nil && failure.Code != CodeOverloaded && r.Message().Envelope == nil {
		s.hub.bus.Logger().Warn().Err(failure).Str("server", s.options.Name).Str("peer", r.Client().Address).Msg("request of a plain peer failed, which is not told why")
	}
	s.hub.answer(r, answer{s.replies, payload, failure, s.options.PlainError})
}

// interrupted reports whether a failure may be the work of the bus, whose end ends the contexts of handlers. Who has asked gets no answer:
// the connection is about to end, which counts as an attempt. CodeOverloaded would have the same attempt go to another server, and so a
// request handled twice that is to be handled once at most.
func (j *job) interrupted(failure *RemoteError) bool {
	return failure != nil && (failure.Code == CodeCancelled || failure.Code == CodeFailed) && j.server.hub.bus.Context().Err() != nil
}
