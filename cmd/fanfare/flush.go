package main

import (
	"context"
	"errors"

	"github.com/fanfare-go/fanfare/bus"
	"github.com/fanfare-go/fanfare/socket"
)

// flush ends b when what was published on it has reached its subscribers. It fails when ctx and the time of grace end first.
// A subscriber that leaves meanwhile has had enough: "fanfare sub --count 1" does that. It is logged.
func flush(ctx context.Context, b *bus.Bus, log logger) error {
	ctx, cancel := lingering(ctx)
	defer cancel()
	err := b.Shutdown(ctx)
	unflushed, ok := errors.AsType[*socket.FlushError](err)
	if ctx.Err() != nil || !ok {
		return err
	}
	for _, peer := range unflushed.Peers {
		log.Info().Str("peer", peer.Remote).Int("unwritten", peer.Queued).Err(peer.Err).Msg("a subscriber left before it had confirmed everything")
	}
	return nil
}
