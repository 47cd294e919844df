package transport

type Retainer interface {
	Transport
	PublishRetained(m *Message, key string, limit int) error
}
