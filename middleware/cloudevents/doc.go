// Package cloudevents makes events CloudEvents 1.0 and back (https://github.com/cloudevents/spec), in a module of its own.
//
// [Send] stands at the inner end of the publish side. In binary mode the payload stays as it is, and the attributes travel as headers
// "ce-id", "ce-source", "ce-type" and so on; in structured mode the payload becomes the JSON event format. [Receive] stands at the outer end
// of the subscribe side. It takes both, checks them, and hands on the event that was meant: a handler sees the data as the payload, and
// the attributes as headers "ce-…" whichever the mode was. docs/wire.md has the form on the wire.
package cloudevents
