package main

import (
	"github.com/fanfare-go/fanfare/codec"
	"github.com/fanfare-go/fanfare/pipeline"
)

// task is something that is to be done: of the payloads nothing here knows what they mean.
type task = pipeline.Task[[]byte]

// taskOf returns the task with that name, which is nil with --plain.
func taskOf(name *string) (task, error) {
	t, err := pipeline.ParseTask[[]byte](nameOr(name))
	if err != nil {
		return task{}, &usageError{err}
	}
	return t.WithCodec(codec.Raw), nil
}
