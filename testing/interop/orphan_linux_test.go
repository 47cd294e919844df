package interop_test

import (
	"io"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/fanfare-go/fanfare/testing/interop"
)

// A program ends with the test's process, also when that is killed.
func TestOrphan(t *testing.T) {
	t.Parallel()
	held := filepath.Join(t.TempDir(), "held")
	if err := syscall.Mkfifo(held, 0o600); err != nil {
		t.Fatal(err)
	}
	p := interop.Child(t, "leave", held)
	r, err := os.Open(held)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	p.Ready()
	p.Kill()
	if _, err := io.ReadAll(r); err != nil { // until it has ended
		t.Error(err)
	}
}
