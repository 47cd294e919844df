package pickle

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/fanfare-go/fanfare/codec"
)

// maxDepth is how deep values nest. Python's own recursion ends there as well.
const maxDepth = 1000

// maxSteps is how much of a path is shown.
const maxSteps = 16

var errDepth = fmt.Errorf("nested more than %d deep", maxDepth)

// path collects, from the inside out, where a value is that cannot be encoded or decoded.
type path []string

// inside adds the step from a container to the value that err is about.
func (p *path) inside(step string, err error) error {
	if err != nil {
		*p = append(*p, step)
	}
	return err
}

// at returns err with the path, but leaves mistakes of the program alone.
func (p *path) at(err error) error {
	var program *codec.TypeError
	if err == nil || errors.As(err, &program) {
		return err
	}
	steps := slices.Clone(*p)
	slices.Reverse(steps)
	if len(steps) > maxSteps {
		steps = append(steps[:maxSteps], " …")
	}
	where := strings.Join(steps, "")
	if where != "" {
		where += ": "
	}
	if wrong := (*codec.FormatError)(nil); errors.As(err, &wrong) {
		return &codec.FormatError{Offset: wrong.Offset, Err: fmt.Errorf("%s%w", where, wrong.Err)}
	}
	return fmt.Errorf("codec: pickle: %s%w", where, err)
}

// index and key are the steps into a list and a dict.
func index(i int) string { return fmt.Sprintf("[%d]", i) }

func key(k any) string {
	if name, ok := k.(string); ok {
		if isName(name) {
			return "." + name
		}
		return fmt.Sprintf("[%.40q]", name)
	}
	return fmt.Sprintf("[%v]", k)
}

// isName reports whether text is short and made of letters, digits and underscores.
func isName(text string) bool {
	return text != "" && len(text) <= 40 && strings.Trim(text, "_0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ") == ""
}
