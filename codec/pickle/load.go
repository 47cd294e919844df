package pickle

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"unicode/utf8"

	"github.com/fanfare-go/fanfare/codec"
)

// loader runs the opcodes of a pickle on a stack, as Python does, but knows only those that put data together: there is nothing
// in it that could be made to call code. What it holds is bounded by the number of opcodes; lengths are checked against what is
// left of src before anything is allocated.
type loader struct {
	src   []byte
	at    int     // the next byte
	op    int     // offset of the opcode that runs
	stack []value // what is not yet in a container, from all open marks
	marks []int   // for each open mark, the length that stack had
	memo  map[uint64]value
}

// load returns the one value of the pickle src. Every error is a [*codec.FormatError].
func load(src []byte) (value, error) {
	l := loader{src: src}
	for {
		l.op = l.at
		op, err := l.take(1)
		if err == nil && op[0] == opStop {
			return l.stop()
		}
		if err == nil {
			err = l.step(op[0])
		}
		if errors.Is(err, io.ErrUnexpectedEOF) {
			return value{}, &codec.FormatError{Offset: int64(len(src)), Err: err}
		}
		if err != nil {
			return value{}, &codec.FormatError{Offset: int64(l.op), Err: err}
		}
	}
}

// stop returns the only value on the stack.
func (l *loader) stop() (value, error) {
	if l.at < len(l.src) {
		return value{}, &codec.FormatError{Offset: int64(l.at), Err: fmt.Errorf("%d bytes after the end of the pickle", len(l.src)-l.at)}
	}
	if len(l.stack) != 1 || len(l.marks) != 0 {
		return value{}, &codec.FormatError{Offset: int64(l.op), Err: fmt.Errorf("the pickle ends with %d values and %d open marks, want one value", len(l.stack), len(l.marks))}
	}
	return l.stack[0], nil
}

// step runs one opcode.
func (l *loader) step(op byte) error {
	switch op {
	case opMark:
		l.marks = append(l.marks, len(l.stack))
		return nil
	case opProto, opFrame:
		return l.header(op)
	case opNone:
		return l.push(nil, nil)
	case opNewTrue, opNewFalse:
		return l.push(op == opNewTrue, nil)
	case opInt:
		return l.push(l.textInt())
	case opBinInt:
		n, err := l.number(4)
		return l.push(int64(int32(n)), err)
	case opBinInt1:
		n, err := l.number(1)
		return l.push(int64(n), err)
	case opBinInt2:
		n, err := l.number(2)
		return l.push(int64(n), err)
	case opLong:
		return l.push(l.textLong())
	case opLong1:
		return l.push(l.long(1))
	case opLong4:
		return l.push(l.long(4))
	case opFloat:
		return l.push(l.textFloat())
	case opBinFloat:
		b, err := l.take(8)
		if err != nil {
			return err
		}
		return l.push(math.Float64frombits(binary.BigEndian.Uint64(b)), nil)
	case opUnicode:
		return l.push(l.textString())
	case opBinText:
		return l.push(l.text(4))
	case opBinText1:
		return l.push(l.text(1))
	case opBinText8:
		return l.push(l.text(8))
	case opBinBytes:
		return l.push(l.counted(4))
	case opBinBytes1:
		return l.push(l.counted(1))
	case opBinBytes8:
		return l.push(l.counted(8))
	case opPut, opBinPut, opBinPut4, opMemoize:
		return l.put(op)
	case opGet, opBinGet, opBinGet4:
		return l.get(op)
	default:
		return l.build(op)
	}
}

// header skips the opcodes that hold no data. The lengths of frames help those who read from a file.
func (l *loader) header(op byte) error {
	if op == opFrame {
		length, err := l.number(8)
		if err == nil && length > uint64(len(l.src)-l.at) {
			return io.ErrUnexpectedEOF
		}
		return err
	}
	version, err := l.number(1)
	if err == nil && (l.op != 0 || version > maxVersion) {
		return fmt.Errorf("pickle protocol %d at byte %d, want at most %d, at the beginning", version, l.op, maxVersion)
	}
	return err
}

// push puts what an opcode has read on the stack.
func (l *loader) push(is any, err error) error {
	if err == nil {
		l.stack = append(l.stack, value{is, l.op})
	}
	return err
}

// take returns the next n bytes.
func (l *loader) take(n uint64) ([]byte, error) {
	if n > uint64(len(l.src)-l.at) {
		return nil, io.ErrUnexpectedEOF
	}
	start := l.at
	l.at += int(n)
	return l.src[start:l.at], nil
}

// number reads an unsigned number of so many bytes, the lowest one first.
func (l *loader) number(size uint64) (n uint64, err error) {
	b, err := l.take(size)
	for i, digit := range b {
		n |= uint64(digit) << (8 * i)
	}
	return n, err
}

// counted reads bytes after their number, which has so many bytes.
func (l *loader) counted(size uint64) (view, error) {
	length, err := l.number(size)
	if err != nil {
		return nil, err
	}
	return l.take(length)
}

// text reads a str after its number of bytes.
func (l *loader) text(size uint64) (string, error) {
	b, err := l.counted(size)
	if err != nil {
		return "", err
	}
	if !utf8.Valid(b) { // Python writes lone surrogates so
		return "", errNotUTF8
	}
	return string(b), nil
}

// long reads an int in two's complement after its number of bytes.
func (l *loader) long(size uint64) (any, error) {
	length, err := l.number(size)
	if err == nil && length > math.MaxInt32 {
		return nil, errors.New("an int of negative length")
	}
	if err != nil {
		return nil, err
	}
	b, err := l.take(length)
	if err != nil {
		return nil, err
	}
	return twosComplement(b), nil
}
