// Package topic names what is published and says which Go type its events have.
//
// A [Topic] is one name, usually a package-level variable that publishers and subscribers share:
//
//	var Orders = topic.New[Order]("orders.created")
//
// A [Prefix] selects by leading bytes, as ZeroMQ does; a [Pattern] selects by segments. All three are a [Selector], which is
// what a subscription asks for. The package knows no bus: its values are plain, immutable, and safe for concurrent use.
package topic
