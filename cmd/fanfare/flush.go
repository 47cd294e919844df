package main

import (
	"context"
	"errors"

	"github.com/fanfare-go/fanfare/bus"
	"github.com/fanfare-go/fanfare/socket"
)

// flush ends b when what was published on it has reached its subscribers. It fails when ctx and the time of grace end first.
func flush(ctx context.Context, b *bus.Bus, log logger) error {
	ctx, cancel := lingering(ctx)
	defer cancel()
	return shutdown(ctx, b, log)
}

// shutdown ends b. A peer that leaves meanwhile has had enough: "fanfare sub --count 1" does that, and who has got a reply. It is logged.
func shutdown(ctx context.Context, b *bus.Bus, log logger) error {
	err := b.Shutdown(ctx)
	unflushed, ok := errors.AsType[*socket.FlushError](err)
	if ctx.Err() != nil || !ok {
		return err
	}
	for _, peer := range unflushed.Peers {
		log.Info().Str("peer", peer.Remote).Int("unwritten", peer.Queued).Err(peer.Err).Msg("a peer left before it had confirmed everything")
	}
	return nil
}

// summarize logs what became of n events of the topic.
func summarize(topic string, n uint64, s bus.Stats, log logger) {
	switch t := s.Transport; {
	case n > 0 && t.Sent+t.Dropped == 0:
		log.Warn().Uint64("events", n).Str("topic", topic).Msg("published, but nobody was subscribed: see --wait")
	case t.Dropped > 0:
		log.Warn().Uint64("events", n).Uint64("dropped", t.Dropped).Msg("published, but subscribers left before they had everything")
	default:
		log.Info().Uint64("events", n).Uint64("sent", t.Sent).Msg("published")
	}
}
