package zmq

import (
	"reflect"
	"testing"

	"github.com/fanfare-go/fanfare/socket"
)

// Every option reaches the sockets.
func TestOptionsReachSockets(t *testing.T) {
	t.Parallel()
	o := Options{
		MaxMessageSize: 1, SendHWM: 2, ReceiveHWM: 3, HeartbeatInterval: 4, HeartbeatTimeout: 5, ReconnectInterval: 6, ReconnectMax: 7,
	}
	want := &socket.Options{
		MaxMessageSize: 1, SendHWM: 2, ReceiveHWM: 3, HeartbeatInterval: 4, HeartbeatTimeout: 5, ReconnectInterval: 6, ReconnectMax: 7,
	}
	if got := o.socket(); !reflect.DeepEqual(got, want) {
		t.Errorf("%+v, want %+v", got, want)
	}
}
