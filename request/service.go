package request

// serverService is a server as its bus sees it.
type serverService struct {
	*slots
	server *Server
}

func (s serverService) Name() string { return "server of " + s.server.options.Name }

// Of is that of [bus.Service].
func (s serverService) Of() (kind, name string) { return "server", s.server.options.Name }

func (s serverService) Drain() { s.drain() }
func (s serverService) Close() { s.server.end() }

// clientService is a client as its bus sees it: Shutdown waits for the requests that it has under way.
type clientService struct {
	*slots
	call string
}

func (s clientService) Name() string { return "client of " + s.call }

// Of is that of [bus.Service].
func (s clientService) Of() (kind, name string) { return "client", s.call }

func (s clientService) Drain() {}
func (s clientService) Close() { s.close() }
