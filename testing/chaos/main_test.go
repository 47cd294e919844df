package chaos_test

import (
	"testing"

	"github.com/fanfare-go/fanfare/testing/interop"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	interop.Roles{
		"server": role(runServer),
		"client": role(runClient),
		"worker": role(runWorker),
		"stage":  role(runStage),
	}.Run()
	goleak.VerifyTestMain(m)
}

// forEver is the timeout of a request that must not depend on it.
const forEver = -1
