package request

// serverService is a server as its bus sees it.
type serverService struct {
	*slots
	server *Server
}

func (s serverService) Name() string { return "server of " + s.server.options.Name }
func (s serverService) Drain()       { s.drain() }
func (s serverService) Close()       { s.server.end() }

// clientService is a client as its bus sees it: Shutdown waits for the requests that it has under way.
type clientService struct {
	*slots
	name string
}

func (s clientService) Name() string { return s.name }
func (s clientService) Drain()       {}
func (s clientService) Close()       { s.close() }
