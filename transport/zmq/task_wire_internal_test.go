package zmq

import (
	"bytes"
	"encoding/hex"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/fanfare-go/fanfare/internal/zmtp"
)

// The commands that docs/wire.md shows are those that are sent. There the bytes come first on a line, and what they mean behind eight spaces.
func TestTaskCommandsAreDocumented(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../docs/wire.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(page), "\n## Pipeline\n")
	section, _, found := strings.Cut(section, "\n## ")
	if !found {
		t.Fatal("docs/wire.md has no section on pipelines")
	}
	var shown []byte
	for _, line := range regexp.MustCompile(`(?m)^(04|      ) .*$`).FindAllString(section, -1) {
		digits, _, _ := strings.Cut(strings.TrimLeft(line, " "), "        ")
		b, err := hex.DecodeString(strings.ReplaceAll(digits, " ", ""))
		if err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		shown = append(shown, b...)
	}
	const task = "images.resize"
	sent := zmtp.AppendCommand(nil, creditCommand, appendCredit(nil, task, 16))
	sent = zmtp.AppendCommand(sent, ackCommand, appendAck(nil, task, []taskRange{{1, 8}, {10, 1}}))
	sent = zmtp.AppendCommand(sent, nackCommand, (&nack{task: task, seq: 9, delay: 100 * time.Millisecond, reason: "busy"}).append(nil))
	if !bytes.Equal(shown, sent) {
		t.Errorf("docs/wire.md shows\n% x\nsent is\n% x", shown, sent)
	}
}
