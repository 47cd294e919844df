package main

import (
	"fmt"

	"github.com/google/uuid"
)

// settleName sorts out the arguments of a verb whose messages go by a name of the given kind, as its usage calls it, and have none with
// --plain. Each is nil if it is not there; payload itself is nil for a verb that takes none.
func settleName(kind string, plain bool, name, payload **string) error {
	if !plain {
		if *name == nil {
			return fmt.Errorf("%s is missing: only --plain goes without", kind)
		}
		return nil
	}
	if payload != nil {
		if *payload != nil {
			return fmt.Errorf("--plain goes without %s, so %q is an argument too many", kind, **payload)
		}
		*name, *payload = nil, *name
	}
	if *name != nil {
		return fmt.Errorf("--plain goes without %s, so %q is an argument too many", kind, **name)
	}
	return nil
}

// nameOr returns the name, or for plain messages one that nobody else knows: it does not leave the process.
func nameOr(name *string) string {
	if name == nil {
		return "plain." + uuid.NewString()
	}
	return *name
}
