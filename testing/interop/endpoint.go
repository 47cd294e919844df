package interop

import (
	"path/filepath"
	"testing"
)

// AnyPort is the endpoint to bind to any free port of this machine, for Fanfare and libzmq alike. Which one it is says Bound here, and
// [Process.Ready] elsewhere.
const AnyPort = "tcp://127.0.0.1:*"

// IPC returns an endpoint that is known, and nobody else's, before anything is bound to it.
func IPC(t testing.TB) string {
	t.Helper()
	return "ipc://" + filepath.Join(t.TempDir(), "s")
}

// OverEach runs a test with an endpoint to bind of each kind that leaves the process, tcp and ipc: as subtests, in parallel.
func OverEach(t *testing.T, test func(t *testing.T, endpoint string)) {
	t.Helper()
	t.Run("tcp", func(t *testing.T) {
		t.Parallel()
		test(t, AnyPort)
	})
	t.Run("ipc", func(t *testing.T) {
		t.Parallel()
		test(t, IPC(t))
	})
}
