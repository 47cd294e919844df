package codectest

import (
	"errors"
	"fmt"
	"sync"
)

const (
	goroutines = 4
	rounds     = 4
)

// concurrent encodes and decodes all values in several goroutines, which share the values and the encodings. Without the race detector it
// finds only what goes wrong.
func (s subject) concurrent() error {
	encoded := make(map[string][]byte, len(s.Values))
	for name, v := range s.Values {
		var err error
		if encoded[name], err = s.append(nil, v.Value); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	errs := make([]error, goroutines)
	var all sync.WaitGroup
	for i := range errs {
		all.Go(func() { errs[i] = s.repeat(encoded) })
	}
	all.Wait()
	return errors.Join(errs...)
}

// repeat is what one of the goroutines does. It ends with the first round that fails.
func (s subject) repeat(encoded map[string][]byte) error {
	for range rounds {
		var found failures
		for name, v := range s.Values {
			got := zero(v.Value)
			err := s.decode(encoded[name], got)
			if err == nil {
				err = s.is(got, v)
			}
			again, failed := s.append(nil, v.Value)
			if failed == nil {
				failed = s.means(again, v)
			}
			if err := errors.Join(err, failed); err != nil {
				found.add("%s: %w", name, err)
			}
		}
		if err := found.err(); err != nil {
			return err
		}
	}
	return nil
}
