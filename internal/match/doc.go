// Package match decides which topics a subscription wants: by exact name, by byte prefix, or by pattern.
//
// A topic name is text in segments separated by dots, such as "orders.eu.created". [CheckName] holds its rules, [ParsePattern]
// those of patterns. Prefixes follow ZeroMQ instead: any bytes, compared as bytes. A [Selector] is any one of them, and an [Index]
// finds the selectors that match.
package match
