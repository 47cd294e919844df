package request

import (
	"sync"

	"github.com/fanfare-go/fanfare/transport"
	"github.com/google/uuid"
	lru "github.com/hashicorp/golang-lru/v2"
)

// Replies remembers what requests were answered with: see [Idempotent].
type Replies struct {
	mu      sync.Mutex
	running map[replyKey]*repeated
	waiting int // requests in all the lists of running
	kept    *lru.Cache[replyKey, result]
}

// repeated is a job that waits or runs, and the requests that have asked the same since.
type repeated struct {
	job   *job
	again []transport.Request
}

// replyKey is the client's bus and the number of its request, which all its attempts have.
type replyKey struct {
	source uuid.UUID
	id     uint64
}

// result is what a request was answered with.
type result struct {
	payload encoding
	failure *RemoteError
}

// Idempotent keeps the handler of a server from running twice for one request, for ServeOptions.Idempotent: a client that tries again,
// because a connection was lost or a reply was late, gets the reply of the first run, or waits for it: as many wait at the same time as
// ServeOptions.Queue says, and others are answered with CodeOverloaded. It keeps the last replies, failures included, as many as entries
// says, 1 or more; less counts as 1. Requests of plain peers have no number, and run each time.
//
// It is a memory of one process: when the server dies, or another one is asked, the handler may run again. Servers may share it.
func Idempotent(entries int) *Replies {
	kept, err := lru.New[replyKey, result](max(entries, 1))
	if err != nil { // only for a size below 1
		panic(err)
	}
	return &Replies{running: map[replyKey]*repeated{}, kept: kept}
}

// begin reports whether the job is the first of its key. Any other one is answered with the outcome of the first, now or when there is one,
// or refused.
func (r *Replies) begin(j *job) bool {
	if j.key().id == 0 {
		return true
	}
	r.mu.Lock()
	if first := r.running[j.key()]; first != nil {
		if r.waiting >= j.server.options.Queue {
			r.mu.Unlock()
			j.answer(j.request, encoding{}, remote(errOverloaded))
			return false
		}
		r.waiting++
		first.again = append(first.again, j.request)
		r.mu.Unlock()
		j.request.OnAbandoned(first.job.abandoned) // who gives up gives up the first run as well
		return false
	}
	known, ok := r.kept.Get(j.key())
	if !ok {
		r.running[j.key()] = &repeated{job: j}
	}
	r.mu.Unlock()
	if ok {
		j.answer(j.request, known.payload, known.failure)
	}
	return !ok
}

// finish answers the job and those that have asked the same, and keeps the outcome, unless the handler never ran.
func (r *Replies) finish(j *job, payload encoding, failure *RemoteError) {
	r.mu.Lock()
	var again []transport.Request
	if first := r.running[j.key()]; first != nil {
		again = first.again
		r.waiting -= len(again)
	}
	delete(r.running, j.key())
	if j.key().id != 0 && (failure == nil || failure.Code != CodeOverloaded) {
		r.kept.Add(j.key(), result{payload, failure})
	}
	r.mu.Unlock()
	j.answer(j.request, payload, failure)
	for _, other := range again {
		j.answer(other, payload, failure)
	}
}

// key is what all attempts of the request have in common.
func (j *job) key() replyKey { return replyKey{j.origin.Source, j.meta.Seq} }
