package pickle

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/big"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// maxDigits is the longest int in decimal, which is also Python's limit: reading longer ones takes time that grows with the
// square of the length. The binary form has no limit.
const maxDigits = 4300

// line returns the rest of the line, without its end.
func (l *loader) line() (string, error) {
	length := bytes.IndexByte(l.src[l.at:], '\n')
	if length < 0 {
		return "", io.ErrUnexpectedEOF
	}
	line := l.src[l.at : l.at+length]
	l.at += length + 1
	return string(line), nil
}

// textInt reads an int, or a bool, which protocols 0 and 1 write as an int that begins with 0.
func (l *loader) textInt() (any, error) {
	line, err := l.line()
	if err != nil {
		return nil, err
	}
	switch line {
	case "00":
		return false, nil
	case "01":
		return true, nil
	default:
		return decimal(line)
	}
}

// textLong reads an int that may end with L, as those of Python 2 did.
func (l *loader) textLong() (any, error) {
	line, err := l.line()
	if err != nil {
		return nil, err
	}
	return decimal(strings.TrimSuffix(line, "L"))
}

func decimal(text string) (any, error) {
	digits := strings.TrimPrefix(text, "-")
	if digits == "" || strings.Trim(digits, "0123456789") != "" {
		return nil, fmt.Errorf("%.40q is not an int", text)
	}
	if len(digits) > maxDigits {
		return nil, fmt.Errorf("an int of %d digits, want at most %d", len(digits), maxDigits)
	}
	if n, err := strconv.ParseInt(text, 10, 64); err == nil {
		return n, nil
	}
	n, _ := new(big.Int).SetString(text, 10) // digits only, so it is a number
	return n, nil
}

func (l *loader) textFloat() (any, error) {
	line, err := l.line()
	if err != nil {
		return nil, err
	}
	f, err := strconv.ParseFloat(line, 64)
	if err != nil && !errors.Is(err, strconv.ErrRange) { // out of range is infinite, for Python too
		return nil, fmt.Errorf("%.40q is not a float", line)
	}
	return f, nil
}

func (l *loader) textIndex() (uint64, error) {
	line, err := l.line()
	if err != nil {
		return 0, err
	}
	index, err := strconv.ParseUint(line, 10, 32)
	if err != nil {
		return 0, fmt.Errorf("%.40q is not the number of something remembered", line)
	}
	return index, nil
}

// textString reads a str in Python's encoding raw-unicode-escape: Latin-1, and \u and \U with 4 and 8 hexadecimal digits.
func (l *loader) textString() (any, error) {
	line, err := l.line()
	if err != nil {
		return nil, err
	}
	text := make([]byte, 0, len(line))
	for len(line) > 0 {
		r, size := rune(line[0]), 1
		if escape := escapeSize(line); escape > 0 {
			if len(line) < escape {
				return nil, errors.New("a str that ends in an escape")
			}
			code, err := strconv.ParseUint(line[2:escape], 16, 32)
			if r = rune(code); err != nil || code > utf8.MaxRune || !utf8.ValidRune(r) {
				return nil, fmt.Errorf("a str with the escape %q, which is no character", line[:escape])
			}
			size = escape
		} else if line[0] == '\\' && len(line) > 1 { // the second of two backslashes begins nothing
			text = append(text, '\\')
			line = line[1:]
			r = rune(line[0])
		}
		text = utf8.AppendRune(text, r)
		line = line[size:]
	}
	return string(text), nil
}

// escapeSize returns the length of the escape at the beginning of text, 0 when there is none.
func escapeSize(text string) int {
	switch {
	case strings.HasPrefix(text, `\u`):
		return len(`\u0000`)
	case strings.HasPrefix(text, `\U`):
		return len(`\U00000000`)
	default:
		return 0
	}
}

// twosComplement returns the int with these bytes, the lowest one first.
func twosComplement(b []byte) any {
	if len(b) <= 8 {
		var n int64
		for i, digit := range b {
			n |= int64(digit) << (8 * i)
		}
		unused := 64 - 8*len(b)
		return n << unused >> unused
	}
	magnitude := slices.Clone(b)
	slices.Reverse(magnitude)
	n := new(big.Int).SetBytes(magnitude)
	if magnitude[0] >= 0x80 {
		n.Sub(n, new(big.Int).Lsh(big.NewInt(1), uint(8*len(b))))
	}
	if n.IsInt64() {
		return n.Int64()
	}
	return n
}

// appendTwosComplement appends n, the lowest byte first.
func appendTwosComplement(dst []byte, n *big.Int) []byte {
	size := n.BitLen()/8 + 1
	if n.Sign() < 0 {
		n = new(big.Int).Add(n, new(big.Int).Lsh(big.NewInt(1), uint(8*size)))
	}
	start := len(dst)
	dst = append(dst, make([]byte, size)...)
	n.FillBytes(dst[start:])
	slices.Reverse(dst[start:])
	return dst
}
