// Package middleware holds behaviour that many handlers and publishers share, one file for each.
//
// A middleware wraps a handler: with Log, Recover as the list, the call is Log(Recover(handler)), so Log sees what Recover made of
// a panic. The same values serve subscriptions (bus.Options.Subscribe, subscriber.Options.Middleware) and publishers
// (bus.Options.Publish, publisher.Options.Middleware).
package middleware
