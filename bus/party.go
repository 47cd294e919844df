package bus

// Role is what the owner of a middleware chain does.
type Role uint8

const (
	_ Role = iota
	// RolePublisher publishes events.
	RolePublisher
	// RoleSubscriber handles events.
	RoleSubscriber
	// RoleClient sends requests.
	RoleClient
	// RoleServer handles requests.
	RoleServer
	// RoleProducer sends tasks.
	RoleProducer
	// RoleWorker handles tasks.
	RoleWorker
)

// roles are their names.
var roles = [...]string{"nobody", "publisher", "subscriber", "client", "server", "producer", "worker"}

// Sends reports whether the role is on the publish side: that of a publisher, client or producer.
func (r Role) Sends() bool { return r == RolePublisher || r == RoleClient || r == RoleProducer }

// String returns the name of the role.
func (r Role) String() string {
	if int(r) >= len(roles) {
		return roles[0]
	}
	return roles[r]
}

// Party is the owner of a middleware chain.
type Party struct {
	Bus  *Bus
	Role Role
	Name string // of the subscription, server or worker, as errors call it; else the topic, call or task
}
