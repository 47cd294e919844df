package middleware

import (
	"errors"

	"github.com/fanfare-go/fanfare/bus"
)

// settled reports whether err says that the event was dealt with: not wanted, or delivered.
func settled(m *bus.Message, err error) bool {
	return errors.Is(err, bus.ErrFiltered) || delivered(m, err)
}

// delivered reports whether a publish has delivered its event though it returned err.
func delivered(m *bus.Message, err error) bool {
	return m.Party().Role.Sends() && deliveredTo(m.Topic(), err)
}

// deliveredTo reports whether a publish to a topic has delivered its event though it returned err.
func deliveredTo(topic string, err error) bool {
	inline, ok := errors.AsType[*bus.InlineError](err)
	return ok && inline.Topic == topic
}
