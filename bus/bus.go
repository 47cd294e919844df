package bus

import (
	"context"
	"errors"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/fanfare-go/fanfare/internal/change"
	"github.com/fanfare-go/fanfare/internal/lane"
	"github.com/fanfare-go/fanfare/internal/match"
	"github.com/fanfare-go/fanfare/transport"
	"github.com/google/uuid"
	"github.com/rs/zerolog"
)

// Options are what a bus is made from.
type Options struct {
	// Name names the bus in its log. Default: none.
	Name string
	// Logger gets what handlers and peers do wrong. Default: warnings and errors, as JSON lines on standard error.
	Logger *zerolog.Logger
	// Transport carries events to and from other processes. The bus owns it and closes it. Default: none.
	Transport transport.Transport
	// Publish wraps what publishers of this bus publish, the first one outermost.
	Publish []Middleware
	// Subscribe wraps all handlers of this bus, outside of what a subscription itself adds.
	Subscribe []Middleware
	// SlowAfter is how long a handler may be at one event, and a Publish may wait for room, before a [Slow] notice tells of it.
	// Default: 1 s. Negative: never.
	SlowAfter time.Duration
}

// Bus carries events from publishers to subscriptions. All methods may be called concurrently, and from handlers.
type Bus struct {
	options   Options
	log       zerolog.Logger
	source    uuid.UUID
	transport transport.Transport
	ctx       context.Context // of handlers; ends with the bus
	cancel    context.CancelFunc

	clock             clock
	graph             lane.Graph
	roster            lane.Roster
	ids               atomic.Uint64
	notices           notifier
	changed           change.Signal // publishers and subscriptions come and go
	tracker           tracker
	badEnvelopeCauses causes // only the receiving goroutine uses it
	counts
	lifecycle

	generation atomic.Uint64 // counts changes of sinks

	mu      sync.Mutex
	routes  map[string]*Route
	sinks   match.Index[Sink]
	leaving []departing // subscriptions that were closed, as long as their handlers run
	past    past        // what those have counted that have ended
	shared  map[any]*share

	services []Service
}

// New returns a bus. With nil options it works inside the process only. The options are copied. The error is an
// [*OptionError], or an [*OrderError] for middleware in an order that cannot work.
func New(o *Options) (*Bus, error) {
	b := &Bus{source: uuid.New(), routes: map[string]*Route{}, shared: map[any]*share{}}
	if o != nil {
		b.options = *o
		b.options.Publish, b.options.Subscribe = slices.Clone(o.Publish), slices.Clone(o.Subscribe)
	}
	publish, subscribe := checkOrder(true, chainList{"bus.Options.Publish", b.options.Publish}), checkOrder(false, chainList{"bus.Options.Subscribe", b.options.Subscribe})
	if err := errors.Join(publish, subscribe); err != nil {
		return nil, err
	}
	if b.options.SlowAfter == 0 {
		b.options.SlowAfter = time.Second
	}
	if b.options.Logger != nil {
		b.log = *b.options.Logger
	} else {
		b.log = zerolog.New(os.Stderr).Level(zerolog.WarnLevel).With().Timestamp().Logger()
	}
	if b.options.Name != "" {
		b.log = b.log.With().Str("bus", b.options.Name).Logger()
	}
	b.notices.log = b.log
	b.ctx, b.cancel = context.WithCancel(context.Background())
	b.lifecycle.init()
	b.watch()
	if b.transport = b.options.Transport; b.transport != nil {
		b.tracker.init()
		b.badEnvelopeCauses = causes{}
		b.startReceiving()
	}
	return b, nil
}

// Source identifies the bus in its events. It is a random UUID, new with each New.
func (b *Bus) Source() uuid.UUID { return b.source }

// Name returns Options.Name.
func (b *Bus) Name() string { return b.options.Name }

// Logger returns where the bus logs to.
func (b *Bus) Logger() *zerolog.Logger { return &b.log }

// Notices calls f for every notice from now on, one after the other, in a goroutine of the bus. Up to 1024 notices wait while f
// is slow; what comes after that is dropped and counted in Stats. Several functions may be registered.
func (b *Bus) Notices(f func(Notice)) { b.notices.add(f) }

// Graph is the wait-for graph of the bus, inside the module.
func (b *Bus) Graph() *lane.Graph { return &b.graph }

// Draining is closed when the bus begins to end, inside the module.
func (b *Bus) Draining() <-chan struct{} { return b.draining }

// Roster knows who is at work, inside the module.
func (b *Bus) Roster() *lane.Roster { return &b.roster }

// Transport returns the transport, inside the module; nil without one.
func (b *Bus) Transport() transport.Transport { return b.transport }
