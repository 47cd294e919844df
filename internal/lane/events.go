package lane

// key is the lane of one key: its events wait for each other.
type key[E any] struct {
	name    string
	waiting list[E]
	running bool         // one of them is being handled
	owner   *Consumer[E] // the member that handles them
}

// topicKey is what Latest keeps one event of.
type topicKey struct{ topic, key string }

// events are what waits in a Queue, in several orders. It knows neither bounds nor workers; the queue's lock guards it.
type events[E any] struct {
	arrived uint64
	all     list[E] // by arrival
	free    list[E] // those without a key, which any member may handle
	keys    map[string]*key[E]
	latest  map[topicKey]*node[E] // nil unless the policy is Latest
	vacant  []*node[E]
	unused  []*key[E]
}

// node returns a node with a copy of e, which is in no list yet.
func (s *events[E]) node(e *E) *node[E] {
	var n *node[E]
	if last := len(s.vacant) - 1; last >= 0 {
		n, s.vacant = s.vacant[last], s.vacant[:last]
	} else {
		n = &node[E]{}
	}
	n.event = *e
	return n
}

// vacate takes a node back that is in no list.
func (s *events[E]) vacate(n *node[E]) {
	*n = node[E]{}
	if len(s.vacant) < maxIdle {
		s.vacant = append(s.vacant, n)
	}
}

// add puts a node at the end of everything. It is ready unless another event of its key is before it.
func (s *events[E]) add(n *node[E], k *key[E]) {
	s.arrived++
	n.key, n.order = k, s.arrived
	s.all.push(byArrival, n)
	if k == nil {
		s.makeReady(n, &s.free)
		return
	}
	first := k.waiting.head == nil && !k.running
	k.waiting.push(byKey, n)
	if first {
		s.makeReady(n, &k.owner.ready)
	}
}

func (s *events[E]) makeReady(n *node[E], in *list[E]) {
	n.ready = in
	in.push(byReadiness, n)
}

// remove takes a node out. If it was the first of its key, the one behind it comes first now, unless the key is running.
func (s *events[E]) remove(n *node[E]) {
	s.all.remove(byArrival, n)
	ready, k := n.ready, n.key
	if ready != nil {
		ready.remove(byReadiness, n)
	}
	if k != nil {
		k.waiting.remove(byKey, n)
	}
	s.vacate(n)
	if k != nil && ready != nil && !k.running {
		s.settle(k)
	}
}

// settle lets the first event of a key that does not run be handled, or forgets the key.
func (s *events[E]) settle(k *key[E]) {
	if k.waiting.head != nil {
		s.makeReady(k.waiting.head, &k.owner.ready)
		return
	}
	delete(s.keys, k.name)
	*k = key[E]{}
	if len(s.unused) < maxIdle {
		s.unused = append(s.unused, k)
	}
}

// key returns the lane of a key, which has none yet.
func (s *events[E]) key(name string, owner *Consumer[E]) *key[E] {
	var k *key[E]
	if last := len(s.unused) - 1; last >= 0 {
		k, s.unused = s.unused[last], s.unused[:last]
	} else {
		k = &key[E]{}
	}
	k.name, k.owner = name, owner
	if s.keys == nil {
		s.keys = map[string]*key[E]{}
	}
	s.keys[name] = k
	return k
}

// available counts the events that c might handle now.
func (s *events[E]) available(c *Consumer[E]) int { return s.free.length + c.ready.length }

// next returns the event that c should handle now: of its own and those without a key the one that came first; nil if there is none.
func (s *events[E]) next(c *Consumer[E]) *node[E] {
	n := s.free.head
	if own := c.ready.head; own != nil && (n == nil || own.order < n.order) {
		n = own
	}
	return n
}
