package middleware

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/fanfare-go/fanfare/bus"
	"github.com/fanfare-go/fanfare/publisher"
	"github.com/fanfare-go/fanfare/topic"
)

// The headers of a dead letter, beside those that the event had.
const (
	// DeadLetterReason is the text of the error.
	DeadLetterReason = "dead-letter-reason"
	// DeadLetterTopic is the topic of the event.
	DeadLetterTopic = "dead-letter-topic"
	// DeadLetterAttempts is how many attempts to handle it were made.
	DeadLetterAttempts = "dead-letter-attempts"
	// DeadLetterID is the ID of the event; it is that of the dead letter as well. There is none for events that have no ID.
	DeadLetterID = "dead-letter-id"
	// DeadLetterTrail is where it was set aside before, one topic a line, if it was.
	DeadLetterTrail = "dead-letter-trail"
)

// maxReason is how much of an error's text a dead letter has, in bytes.
const maxReason = 4096

// DeadLetterOptions are which events are set aside.
type DeadLetterOptions struct {
	// Filter reports whether an event that failed with err is set aside; for others the error goes on its way. Default: all are.
	Filter func(err error) bool
}

// DeadLetter publishes an event that has failed to another topic of the same bus, with the payload, the ID, the key and the headers that it
// had and those named above, through the bus's publish middleware. When that is done an event of a subscription or worker is dealt with: it
// counts as succeeded there, and a task is acknowledged, after its first delivery, so let Retry stand inside. Publish, Send, Do and the
// answer to a request have their error all the same, as somebody waits for it. That the event has failed is logged as an error, and Log, metrics and
// tracing further outside tell it (Message.Aside). A panic that comes to DeadLetter is an error for it like any other. A name that is none is an
// error of what would use the middleware: a [*topic.NameError].
//
// When the dead letter cannot be published, or publish middleware does not want it, the error of the event and the text of why go on their way
// together, so the event counts as failed, is logged, and a task is given again. An event is never set aside on a topic where it has failed
// before, so dead letters that fail themselves go round in no circle: their error goes on its way.
//
// [bus.ErrFiltered] is no failure, and what an [*bus.InlineError] tells of was delivered: both go on their way. Phase: bus.PhaseDeadLetter, so
// it sees an error when all attempts are over.
func DeadLetter(to string, o *DeadLetterOptions) bus.Middleware {
	d := deadLetters{topic: to}
	if o != nil {
		d.options = *o
	}
	m := bus.Middleware{Name: "dead letter", Phase: bus.PhaseDeadLetter, Wrap: d.wrap}
	if _, err := topic.Parse[any](to); err != nil {
		m.Err = fmt.Errorf("middleware.DeadLetter: %w", err)
	}
	return m
}

type deadLetters struct {
	topic   string
	options DeadLetterOptions
}

func (d deadLetters) wrap(next bus.Handler) bus.Handler {
	next = Recover().Wrap(next) // a panic would lose the event
	return func(ctx context.Context, m *bus.Message) error {
		err := next(ctx, m)
		if err == nil || !d.takes(m, err) {
			return err
		}
		failed := publisher.Forward(ctx, m.Party().Bus, d.topic, m, d.headers(m, err)...)
		if failed != nil && !deliveredTo(d.topic, failed) {
			// Not wrapped: that the dead letter was filtered, say, does not mean that the event was.
			return errors.Join(err, fmt.Errorf("middleware: dead letter to %q: %v", d.topic, failed))
		}
		m.SetAside(err)
		d.log(m, err, failed)
		if role := m.Party().Role; role == bus.RoleSubscriber || role == bus.RoleWorker {
			return nil
		}
		return err
	}
}

// log tells of an event that was set aside. inline is the error of an inline handler of the dead letter, nil if there is none.
func (d deadLetters) log(m *bus.Message, err, inline error) {
	line := m.Party().Bus.Logger().Error().Err(err).AnErr("inline", inline).Stringer("role", m.Party().Role).Str("name", m.Party().Name).
		Str("topic", m.Topic()).Uint64("seq", m.Seq()).Int("attempts", m.Attempt()).Str("dead_letter", d.topic)
	if panicked, ok := errors.AsType[*bus.PanicError](err); ok {
		line.Bytes("stack", panicked.Stack)
	}
	line.Msg("event failed and was set aside")
}

// takes reports whether the event is to be set aside.
func (d deadLetters) takes(m *bus.Message, err error) bool {
	if settled(m, err) {
		return false
	}
	if slices.Contains(trail(m), d.topic) {
		return false
	}
	return d.options.Filter == nil || d.options.Filter(err)
}

// trail returns where the event has failed, here as well.
func trail(m *bus.Message) []string {
	topics := append(strings.Split(m.Header(DeadLetterTrail), "\n"), m.Header(DeadLetterTopic), m.Topic())
	return slices.DeleteFunc(topics, func(name string) bool { return name == "" })
}

// headers returns what the dead letter has in addition.
func (d deadLetters) headers(m *bus.Message, err error) []publisher.Attribute {
	reason := err.Error()
	all := []publisher.Attribute{
		publisher.Header(DeadLetterReason, strings.ToValidUTF8(reason[:min(len(reason), maxReason)], "")),
		publisher.Header(DeadLetterTopic, m.Topic()),
		publisher.Header(DeadLetterAttempts, strconv.Itoa(m.Attempt())),
	}
	if id := m.ID(); id != "" {
		all = append(all, publisher.Header(DeadLetterID, id))
	}
	if before := trail(m); len(before) > 1 {
		all = append(all, publisher.Header(DeadLetterTrail, strings.Join(before[:len(before)-1], "\n")))
	}
	return all
}
