package codectest

import (
	"bytes"
	"reflect"
	"strings"
)

// head is what dst holds before something is appended.
const head = "head:"

func (s subject) appendEncodes() error {
	var found failures
	for name, v := range s.Values {
		encoded, err := s.append(nil, v.Value)
		if err == nil {
			err = s.means(encoded, v)
		}
		if err != nil {
			found.add("%s: %w", name, err)
		}
	}
	return found.err()
}

func (s subject) appendKeepsDst() error {
	var found failures
	for name, v := range s.Values {
		for room, dst := range map[string][]byte{"without room": []byte(head)[:len(head):len(head)], "with room": s.roomy(v)} {
			got, err := s.append(dst, v.Value)
			if err != nil {
				found.add("%s, %s: %w", name, room, err)
				continue
			}
			encoded, kept := bytes.CutPrefix(got, []byte(head))
			if !kept || string(dst) != head {
				found.add("%s, %s: dst held %q, and is now %q and the result %q", name, room, head, dst, got)
			} else if err := s.means(encoded, v); err != nil {
				found.add("%s, %s: %w", name, room, err)
			}
		}
	}
	return found.err()
}

func (s subject) appendUsesRoom() error {
	var found failures
	for name, v := range s.Values {
		dst := s.roomy(v)
		if got, err := s.append(dst, v.Value); err == nil && (len(got) == 0 || &got[0] != &dst[0]) {
			found.add("%s: %d bytes went elsewhere, although dst had room for %d more", name, len(got)-len(dst), cap(dst)-len(dst))
		}
	}
	return found.err()
}

// roomy returns a dst with more room than the encoding of v needs.
func (s subject) roomy(v Value) []byte {
	encoded, err := s.append(nil, v.Value)
	if err != nil {
		return []byte(head) // the caller gets the same error
	}
	return append(make([]byte, 0, 2*len(encoded)+512), head...)
}

func (s subject) appendRefuses() error {
	var found failures
	refused := make(map[string]Refused, len(s.Refused)+len(s.WrongTypes))
	for name, v := range s.WrongTypes {
		refused["wrong type: "+name] = Refused{Value: v}
	}
	for name, r := range s.Refused {
		refused[name] = r
	}
	for name, r := range refused {
		dst := append(make([]byte, 0, 512), head...)
		got, err := s.append(dst, r.Value)
		if !refuses(err) || !strings.Contains(err.Error(), r.Error) {
			found.add("%s: the error is %v, want %q in it", name, err, r.Error)
		}
		if string(got) != head || string(dst) != head || &got[0] != &dst[0] {
			found.add("%s: dst held %q, and is %q after an error, and what was returned %q", name, head, dst, got)
		}
	}
	return found.err()
}

func (s subject) appendOnlyReads() error {
	var found failures
	for name, v := range s.Values {
		encoded, err := s.append(nil, v.Value)
		if err != nil {
			found.add("%s: %w", name, err)
			continue
		}
		// A value of our own may be changed, so its change shows without a copy of what the case has.
		own, want := zero(v.Value), zero(v.Value)
		if err := s.decode(bytes.Clone(encoded), own); err != nil {
			found.add("%s: %w", name, err)
			continue
		}
		if err := s.decode(bytes.Clone(encoded), want); err != nil {
			found.add("%s: %w", name, err)
			continue
		}
		if _, err := s.append(nil, own); err != nil {
			found.add("%s, decoded and encoded again: %w", name, err)
		} else if !s.equal(own, want) {
			found.add("%s: Append made %s of the value %s", name, shown(own), shown(want))
		}
	}
	return found.err()
}

func (s subject) appendForgets() error {
	var found failures
	for name, v := range s.Values {
		first, err := s.append(nil, v.Value)
		if err != nil {
			found.add("%s: %w", name, err)
			continue
		}
		before := bytes.Clone(first)
		second, err := s.append(nil, v.Value)
		if err != nil {
			found.add("%s: %w", name, err)
			continue
		}
		clear(second)
		if !bytes.Equal(first, before) {
			found.add("%s: two encodings share memory: the first was %x, and is %x since the second was changed", name, before, first)
		}
		clear(first)
		third, err := s.append(nil, v.Value)
		if err == nil {
			err = s.means(third, v)
		}
		if err != nil {
			found.add("%s, once the earlier encodings are changed: %w", name, err)
		}
		for other, w := range s.Values {
			if err := s.appendReplaced(v, w); err != nil {
				found.add("%s, replaced by %s: %w", name, other, err)
			}
		}
	}
	return found.err()
}

// appendReplaced encodes v, and then w from the same place.
func (s subject) appendReplaced(v, w Value) error {
	if reflect.TypeOf(v.Value) != reflect.TypeOf(w.Value) {
		return nil
	}
	place := reflect.New(reflect.TypeOf(v.Value).Elem())
	place.Elem().Set(reflect.ValueOf(v.Value).Elem())
	if _, err := s.append(nil, place.Interface()); err != nil {
		return err
	}
	place.Elem().Set(reflect.ValueOf(w.Value).Elem())
	encoded, err := s.append(nil, place.Interface())
	if err != nil {
		return err
	}
	return s.means(encoded, w)
}
