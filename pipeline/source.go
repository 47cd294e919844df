package pipeline

import (
	"github.com/fanfare-go/fanfare/bus"
	"github.com/fanfare-go/fanfare/codec"
	"github.com/fanfare-go/fanfare/internal/envelope"
	"github.com/fanfare-go/fanfare/transport"
	"github.com/google/uuid"
)

var _ transport.TaskSink = (*hub)(nil)

// source is a process with producers. The hub's lock guards it.
type source struct {
	producer transport.TaskProducer
	intakes  map[string]*intake // by task; "" for the plain form
	late     int                // what a former intake for the plain form may still get
	jobs     []job              // what that has left: it came after its worker had ended
}

// ProducerUp is called by the transport.
func (h *hub) ProducerUp(p transport.TaskProducer) {
	h.mu.Lock()
	src := &source{producer: p, intakes: map[string]*intake{}}
	h.sources[p] = src
	for _, d := range h.depots {
		h.welcome(src, d)
	}
	h.mu.Unlock()
	h.changed.Tell()
}

// welcome gives a producer intakes at a depot with workers. The lock is held.
func (h *hub) welcome(src *source, d *depot) {
	d.lock()
	defer d.unlock()
	if d.crew.active() == 0 {
		return
	}
	peer := src.producer.Peer()
	if !peer.Plain && src.intakes[d.name] == nil {
		i := &intake{crew: &d.crew, upstream: abroad{src.producer, d.name}}
		src.intakes[d.name] = i
		d.crew.join(i)
	}
	if f := h.fallback; f != nil && f.depot == d && src.intakes[""] == nil {
		i := &intake{crew: &d.crew, upstream: bare{src.producer}, plain: true, free: peer.Plain, late: src.late}
		src.intakes[""] = i
		d.crew.join(i)
		for _, j := range src.jobs {
			j.origin = i.from(uuid.Nil, d.name)
			i.put(j)
		}
		src.jobs = nil
	}
}

// vacate takes the intakes for the plain form from the depot that had a worker marked Default before d. The lock is held.
func (h *hub) vacate(d *depot) {
	for _, src := range h.sources {
		i := src.intakes[""]
		if i == nil || i.crew == &d.crew {
			continue
		}
		delete(src.intakes, "")
		former := i.crew.depot
		former.lock()
		src.late, src.jobs = i.late, i.release()
		former.crew.part(i)
		former.unlock()
	}
}

// Tasks is called by the transport.
func (h *hub) Tasks(p transport.TaskProducer, tasks []transport.Message) (taken int) {
	for taken < len(tasks) {
		rest := tasks[taken:]
		if rest[0].Envelope == nil {
			if !h.takePlain(p, &rest[0]) {
				return taken
			}
			taken++
			continue
		}
		n := 1
		for n < len(rest) && rest[n].Envelope != nil && rest[n].Topic == rest[0].Topic {
			n++
		}
		accepted, err := h.take(p, rest[0].Topic, rest[:n])
		taken += accepted
		if err != nil {
			p.Reject(err)
			return taken
		}
	}
	return taken
}

// intake returns the intake of a producer for a task, nil if there is none.
func (h *hub) intake(p transport.TaskProducer, task string) *intake {
	h.mu.Lock()
	defer h.mu.Unlock()
	if src := h.sources[p]; src != nil {
		return src.intakes[task]
	}
	return nil
}

// take takes tasks of one name.
func (h *hub) take(p transport.TaskProducer, name string, tasks []transport.Message) (taken int, err error) {
	i := h.intake(p, name)
	if i == nil {
		return 0, &CreditError{name}
	}
	d := i.crew.depot
	d.lock()
	defer d.unlock()
	for k := range tasks {
		m := &tasks[k]
		header, err := envelope.Parse(m.Envelope)
		if err != nil {
			return k, &bus.EnvelopeError{Topic: name, Err: err}
		}
		if !i.admit() {
			return k, &CreditError{name}
		}
		j := job{seq: header.Seq, origin: i.from(header.Source, d.name), time: header.Time, text: header.Properties}
		j.fill(m.Payload)
		if i.window == 0 { // it was sent before the credit was taken back
			i.crew.received++
			i.crew.returned++
			i.upstream.nack(j.seq, 0, "")
			continue
		}
		i.put(j)
	}
	return len(tasks), nil
}

// takePlain takes a task in the plain form: it waits for a worker marked Default, and from a plain peer for room. It reports false at the end of
// the bus, and after it has ended the connection.
func (h *hub) takePlain(p transport.TaskProducer, m *transport.Message) bool {
	for {
		changed := h.changed.Next()
		i := h.intake(p, "")
		if i == nil {
			if !p.Peer().Plain {
				p.Reject(&CreditError{})
				return false
			}
			select {
			case <-changed:
				continue
			case <-h.bus.Draining():
				return false
			}
		}
		d := i.crew.depot
		room := d.spare.Next()
		d.lock()
		if i.gone { // a worker of another task is marked Default now
			d.unlock()
			continue
		}
		if !i.admit() {
			d.unlock()
			p.Reject(&CreditError{})
			return false
		}
		if !i.free || i.held.len() < max(i.window, 1) && i.window > 0 {
			j := job{origin: i.from(uuid.Nil, d.name)}
			j.fill(m.Payload)
			i.put(j)
			d.unlock()
			return true
		}
		d.unlock()
		select {
		case <-room:
		case <-changed:
		case <-h.bus.Draining():
			return false
		}
	}
}

// fill sets the payload.
func (j *job) fill(parts [][]byte) {
	if len(parts) == 1 {
		j.payload = parts[0]
	} else {
		j.parts = parts
	}
}

// encoded returns the payload. One in one piece is put into single.
func (j *job) encoded(single *[1][]byte) ([][]byte, error) {
	switch {
	case j.parts != nil:
		return j.parts, nil
	case j.payload == nil && j.value != nil:
		return encode(j.from.codec, j.value)
	}
	single[0] = j.payload
	return single[:], nil
}

// encode returns what c makes of the value that v points to.
func encode(c codec.Codec, v any) ([][]byte, error) {
	if f := codec.FramesOf(c); f != nil {
		return f.AppendFrames(nil, v)
	}
	payload, err := c.Append([]byte{}, v)
	return [][]byte{payload}, err
}

// ProducerDown is called by the transport.
func (h *hub) ProducerDown(p transport.TaskProducer, _ error) {
	h.mu.Lock()
	src := h.sources[p]
	delete(h.sources, p)
	h.mu.Unlock()
	if src == nil {
		return
	}
	for _, i := range src.intakes { // nobody else changes them any more
		d := i.crew.depot
		d.lock()
		d.crew.part(i)
		d.unlock()
	}
	h.changed.Tell()
}
