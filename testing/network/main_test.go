package network_test

import (
	"testing"

	"github.com/fanfare-go/fanfare/codec"
	"github.com/fanfare-go/fanfare/testing/interop"
	"github.com/fanfare-go/fanfare/topic"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	interop.Roles{"publisher": commanded(newPublishing), "subscriber": commanded(newSubscribing)}.Run()
	goleak.VerifyTestMain(m)
}

// raw is a topic of bytes.
func raw(name string) topic.Topic[[]byte] { return topic.New[[]byte](name).WithCodec(codec.Raw) }

// all selects every topic of the tests.
var all = topic.NewPrefix[[]byte]("network.").WithCodec(codec.Raw)
