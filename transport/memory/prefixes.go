package memory

import (
	"cmp"
	"slices"
	"strings"
)

// prefixes are what a transport is subscribed to, in ascending order. A value never changes: it is read while another one is made.
type prefixes []subscription

// subscription is a prefix, with the number of times that it was subscribed to.
type subscription struct {
	prefix string
	times  int
}

func (p prefixes) search(s string) (at int, found bool) {
	return slices.BinarySearchFunc(p, s, func(e subscription, s string) int { return cmp.Compare(e.prefix, s) })
}

// match reports whether topic begins with one of them. If the greatest one that is not above the topic does not do, any other one that does
// is a prefix of it too: of what they have in common. So each search is for less, and one or two are usual.
func (p prefixes) match(topic string) bool {
	for {
		at, found := p.search(topic)
		switch {
		case found:
			return true
		case at == 0:
			return false
		}
		below := p[at-1].prefix
		if strings.HasPrefix(topic, below) {
			return true
		}
		topic = topic[:common(topic, below)]
	}
}

// common returns how many bytes a and b begin with alike.
func common(a, b string) (n int) {
	for n < len(a) && n < len(b) && a[n] == b[n] {
		n++
	}
	return n
}

// add returns p with a prefix more, and whether that is new.
func (p prefixes) add(prefix string) (_ prefixes, changed bool) {
	at, found := p.search(prefix)
	if found {
		p = slices.Clone(p)
		p[at].times++
		return p, false
	}
	return slices.Concat(p[:at], prefixes{{strings.Clone(prefix), 1}}, p[at:]), true
}

// remove returns p with a prefix less, and whether it is gone.
func (p prefixes) remove(prefix string) (_ prefixes, changed bool) {
	at, found := p.search(prefix)
	switch {
	case !found:
		return p, false
	case p[at].times == 1:
		return slices.Concat(p[:at], p[at+1:]), true
	}
	p = slices.Clone(p)
	p[at].times--
	return p, false
}
