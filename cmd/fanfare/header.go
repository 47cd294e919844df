package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/fanfare-go/fanfare/bus"
	"github.com/fanfare-go/fanfare/publisher"
	"github.com/fanfare-go/fanfare/topic"
)

// header is a value of -H.
type header struct{ name, value string }

// UnmarshalText reads "name=value". The value may be empty, and may have more equals signs.
func (h *header) UnmarshalText(text []byte) error {
	name, value, found := strings.Cut(string(text), "=")
	if !found {
		return fmt.Errorf("%q is not of the form NAME=VALUE", text)
	}
	*h = header{name, value}
	return nil
}

// String returns what UnmarshalText reads.
func (h header) String() string { return h.name + "=" + h.value }

// attributesOf returns the headers as a publisher takes them. What is wrong with one shows now, before anybody is waited for: each
// is published once on a bus of its own, to nobody.
func attributesOf(ctx context.Context, headers []header) ([]publisher.Attribute, error) {
	b, err := bus.New(nil)
	if err != nil {
		return nil, err
	}
	defer b.Close()
	trial, err := publisher.New(b, topic.New[[]byte]("trial"), nil)
	if err != nil {
		return nil, err
	}
	var attributes []publisher.Attribute
	for _, h := range headers {
		attribute := publisher.Header(h.name, h.value)
		if err := trial.Publish(ctx, nil, attribute); err != nil {
			if wrong, ok := errors.AsType[*publisher.AttributeError](err); ok {
				err = errors.New(wrong.Reason)
			}
			return nil, &flagError{"-H", h.String(), err}
		}
		attributes = append(attributes, attribute)
	}
	return attributes, nil
}
