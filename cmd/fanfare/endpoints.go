package main

import (
	"errors"
	"net"
	"slices"

	"github.com/fanfare-go/fanfare/bus"
	"github.com/fanfare-go/fanfare/socket"
	"github.com/fanfare-go/fanfare/transport/zmq"
)

// endpoints are where the peers of a verb are.
type endpoints struct {
	Connect []string `placeholder:"EP" sep:"none" help:"Connect to this endpoint, such as tcp://localhost:5555, as soon as somebody listens there. Repeatable."`
	Bind    []string `placeholder:"EP" sep:"none" help:"Listen on this endpoint, such as tcp://*:5555. Repeatable."`
}

// check asks for at least one endpoint.
func (e *endpoints) check() error {
	if len(e.Connect)+len(e.Bind) == 0 {
		return errors.New("--connect or --bind is missing: at least one endpoint is needed")
	}
	return nil
}

// list returns all of them for the transport.
func (e *endpoints) list() zmq.Endpoints { return zmq.Connect(e.Connect...).Bind(e.Bind...) }

// open returns a bus that is connected as o says. It logs to log where it listens and what happens to its peers.
func open(o *zmq.Options, log logger) (*bus.Bus, error) {
	tr, err := zmq.New(o)
	if err != nil {
		return nil, endpointFault(err)
	}
	bound := tr.Bound()
	for _, endpoint := range slices.Concat(bound.Publish, bound.Subscribe, bound.Serve, bound.Request, bound.Push, bound.Pull) {
		log.Info().Str("endpoint", endpoint).Msg("listening")
	}
	b, err := bus.New(&bus.Options{Transport: tr, Logger: &log.Logger})
	if err != nil {
		return nil, errors.Join(err, tr.Close())
	}
	b.Notices(log.notice)
	return b, nil
}

// endpointFault returns err with the flag that it is about. An endpoint that is not well-formed is a fault of the command line; one
// that the network refuses, such as a port in use, is not.
func endpointFault(err error) error {
	fault, ok := errors.AsType[*socket.EndpointError](err)
	if !ok {
		return err
	}
	flag := "--connect"
	if fault.Op == "listen" {
		flag = "--bind"
	}
	err = &flagError{flag, fault.Endpoint, fault.Err}
	if _, refused := errors.AsType[*net.OpError](fault.Err); refused {
		return err
	}
	return &usageError{err}
}
