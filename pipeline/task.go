package pipeline

import (
	"github.com/fanfare-go/fanfare/codec"
	"github.com/fanfare-go/fanfare/topic"
)

// Task is the name of a kind of task, the Go type of its values, and how they are encoded when they leave the process. Tasks and topics
// have names of their own: a task and a topic with the same name have nothing to do with each other. The zero Task is not usable: see
// [NewTask] and [ParseTask].
type Task[T any] struct {
	name  string
	codec codec.Codec
}

// NewTask returns the task with the given name, encoded as JSON. It panics with a [*topic.NameError] on a bad name, so it is meant for
// package-level variables; names that are known only at run time go through [ParseTask].
func NewTask[T any](name string) Task[T] {
	t, err := ParseTask[T](name)
	if err != nil {
		panic(err)
	}
	return t
}

// ParseTask returns the task with the given name, encoded as JSON. The rules for names are those of topics ([topic.Parse]): 1 to 255 bytes
// of UTF-8 in segments separated by '.'; otherwise the error is a [*topic.NameError].
func ParseTask[T any](name string) (Task[T], error) {
	if _, err := topic.Parse[T](name); err != nil {
		return Task[T]{}, err
	}
	return Task[T]{name, codec.JSON}, nil
}

// WithCodec returns the task with another codec. The codec matters only where a value is encoded: towards a transport, and towards workers
// of another Go type or codec.
func (t Task[T]) WithCodec(c codec.Codec) Task[T] {
	t.codec = c
	return t
}

// Codec returns how the values are encoded, nil for the zero Task.
func (t Task[T]) Codec() codec.Codec { return t.codec }

// String returns the name.
func (t Task[T]) String() string { return t.name }
