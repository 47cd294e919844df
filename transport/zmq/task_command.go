package zmq

import (
	"encoding/binary"
	"errors"
	"math"
	"strings"
	"time"
)

// The commands that a PULL sends to a PUSH of ours (docs/wire.md).
const (
	creditCommand = "FFCREDIT" // count(4) task
	ackCommand    = "FFACK"    // task-length(1) task {first(8) count(4)}…
	nackCommand   = "FFNACK"   // task-length(1) task seq(8) delay-ms(4) reason
)

const (
	// never is the delay of a task that is not to be given again.
	never = math.MaxUint32
	// maxRanges is how many ranges one FFACK has at most: the peer takes commands of up to 64 KiB.
	maxRanges = 4096
	// maxReason is how much of a reason is sent, in bytes, and kept.
	maxReason = 1024
)

// errCommand says that a peer sent a command that is none.
var errCommand = errors.New("zmq: malformed command about tasks")

// taskRange is a number of tasks with consecutive sequences.
type taskRange struct {
	first uint64
	count uint32
}

func appendCredit(dst []byte, task string, n uint32) []byte {
	return append(binary.BigEndian.AppendUint32(dst, n), task...)
}

func parseCredit(body []byte) (n uint32, task string, err error) {
	if len(body) < 4 || len(body) > 4+maxTopic {
		return 0, "", errCommand
	}
	return binary.BigEndian.Uint32(body), string(body[4:]), nil
}

func appendTaskName(dst []byte, task string) []byte {
	return append(append(dst, byte(len(task))), task...)
}

func parseTaskName(body []byte) (task, rest []byte, err error) {
	if len(body) == 0 || len(body) < 1+int(body[0]) {
		return nil, nil, errCommand
	}
	n := 1 + int(body[0])
	return body[1:n], body[n:], nil
}

// appendAck appends the body of an FFACK. There are 1 to maxRanges ranges.
func appendAck(dst []byte, task string, ranges []taskRange) []byte {
	dst = appendTaskName(dst, task)
	for _, r := range ranges {
		dst = binary.BigEndian.AppendUint64(dst, r.first)
		dst = binary.BigEndian.AppendUint32(dst, r.count)
	}
	return dst
}

// parseAck yields the ranges of an FFACK, all or none: each has a first sequence of at least 1, and an end that is a sequence.
func parseAck(body []byte) (task string, ranges []taskRange, err error) {
	name, rest, err := parseTaskName(body)
	if err != nil || len(rest) == 0 || len(rest)%12 != 0 {
		return "", nil, errCommand
	}
	ranges = make([]taskRange, 0, len(rest)/12)
	for ; len(rest) > 0; rest = rest[12:] {
		r := taskRange{binary.BigEndian.Uint64(rest), binary.BigEndian.Uint32(rest[8:])}
		if r.first == 0 || r.count == 0 || r.first > math.MaxUint64-uint64(r.count) {
			return "", nil, errCommand
		}
		ranges = append(ranges, r)
	}
	return string(name), ranges, nil
}

// nack is an FFNACK.
type nack struct {
	task   string
	seq    uint64
	delay  time.Duration // negative: never again
	reason string
}

func (n *nack) append(dst []byte) []byte {
	dst = appendTaskName(dst, n.task)
	dst = binary.BigEndian.AppendUint64(dst, n.seq)
	dst = binary.BigEndian.AppendUint32(dst, milliseconds(n.delay))
	return append(dst, n.reason[:min(len(n.reason), maxReason)]...)
}

// milliseconds rounds up: a task comes not earlier than it was asked for.
func milliseconds(d time.Duration) uint32 {
	if d < 0 {
		return never
	}
	up := (d + time.Millisecond - 1) / time.Millisecond
	if d > math.MaxInt64-time.Millisecond {
		up = d / time.Millisecond
	}
	return uint32(min(up, never-1))
}

func parseNack(body []byte) (n nack, err error) {
	name, rest, err := parseTaskName(body)
	if err != nil || len(rest) < 12 {
		return nack{}, errCommand
	}
	n = nack{task: string(name), seq: binary.BigEndian.Uint64(rest), delay: -1}
	if ms := binary.BigEndian.Uint32(rest[8:]); ms != never {
		n.delay = time.Duration(ms) * time.Millisecond
	}
	n.reason = strings.ToValidUTF8(string(rest[12:min(len(rest), 12+maxReason)]), "\uFFFD")
	return n, nil
}
