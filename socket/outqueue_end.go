package socket

// failed notes how many bytes of the last segment were written before an error, and ends the queue.
func (q *outQueue) failed(wrote int) {
	q.mu.Lock()
	if q.writing != nil { // also when the reader has closed the queue first
		q.wrote += wrote
	}
	q.giveUp()
	q.mu.Unlock()
	q.close()
}

// seal makes the queue take no more messages.
func (q *outQueue) seal() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.sealed = true
}

// finish is the end of a queue that a reader in this process empties: it gets the rest, which counts as sent.
func (q *outQueue) finish() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.sealed = true
	q.finished = !q.closed
	q.relieve()
	q.ready.Signal()
}

// giveUp counts a segment as dropped whose writing has failed, unless it is kept for rest. The caller holds the lock.
func (q *outQueue) giveUp() {
	if s := q.writing; s != nil && !q.keep {
		q.messages -= s.messages
		q.lose(s.messages)
		q.writing = nil
	}
}

func (q *outQueue) lose(messages int) {
	q.dropped += uint64(messages)
	q.lost += messages
}

// close ends the queue. What was not written is kept for rest, or counted as dropped. Of a segment that is being written only the writer knows:
// the peer may hang up because it has it all.
func (q *outQueue) close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		return
	}
	q.closed = true
	q.relieve()
	q.ready.Signal()
	if q.keep && !q.finished {
		return
	}
	writing := 0
	switch s := q.writing; {
	case s == nil:
	case q.shared: // the other side has it
		q.messages -= s.messages
		q.sent += uint64(s.messages)
		q.writing = nil
	default:
		writing = s.messages
	}
	q.lose(q.messages - writing)
	q.messages, q.head, q.tail, q.latest = writing, nil, nil, nil
}

// rest returns what was not written, the oldest first. The queue has ended, and its writer too.
func (q *outQueue) rest() (messages [][][]byte) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for q.kicked {
		q.ready.Wait()
	}
	if q.messages == 0 || q.finished {
		return nil
	}
	if q.writing != nil && !q.shared {
		messages = q.writing.unwritten(q.wrote)
	}
	for s := q.head; s != nil; s = s.next {
		messages = append(messages, s.unwritten(0)...)
	}
	if q.latest != nil {
		messages = append(messages, q.latest.unwritten(0)...)
	}
	q.sent += uint64(q.messages - len(messages))
	q.messages, q.writing, q.head, q.tail, q.latest = 0, nil, nil, nil, nil
	return messages
}

// unwritten returns how many messages were not written: those that are queued, and those that the end of the queue has cost.
func (q *outQueue) unwritten() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.finished && !q.closed {
		return q.lost
	}
	return q.messages + q.lost
}

func (q *outQueue) counts() (queued int, sent, dropped uint64) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.finished && !q.closed {
		return 0, q.sent + uint64(q.messages), q.dropped
	}
	return q.messages, q.sent, q.dropped
}
