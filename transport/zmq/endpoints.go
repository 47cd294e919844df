package zmq

import "slices"

// Endpoints are where one kind of traffic comes from or goes to: endpoints to bind and endpoints to connect to, any number of
// each. The zero value has none. A value never changes, so it may be shared and extended freely.
type Endpoints struct {
	bind, connect []string
}

// Bind returns endpoints to bind, such as "tcp://*:5555", "tcp://127.0.0.1:0" for any free port, "ipc:///run/stock.sock" or
// "inproc://stock". [New] checks them.
func Bind(endpoints ...string) Endpoints { return Endpoints{}.Bind(endpoints...) }

// Connect returns endpoints to connect to, such as "tcp://stock:5555". Nobody has to be there yet. [New] checks them.
func Connect(endpoints ...string) Endpoints { return Endpoints{}.Connect(endpoints...) }

// Bind returns e with more endpoints to bind. e stays as it is.
func (e Endpoints) Bind(endpoints ...string) Endpoints {
	e.bind = slices.Concat(e.bind, endpoints)
	return e
}

// Connect returns e with more endpoints to connect to. e stays as it is.
func (e Endpoints) Connect(endpoints ...string) Endpoints {
	e.connect = slices.Concat(e.connect, endpoints)
	return e
}
