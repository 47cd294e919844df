package pickle

import (
	"errors"
	"fmt"
)

var (
	errNoMark   = errors.New("there is no open mark")
	errTooFew   = errors.New("too few values on the stack")
	errNotUTF8  = errors.New("a str that is not valid UTF-8")
	errOddItems = errors.New("a key without a value")
)

// build runs an opcode that makes or fills a container, and refuses all that are not known.
func (l *loader) build(op byte) error {
	switch op {
	case opEmptyList:
		return l.push(&sequence{}, nil)
	case opEmptyTuple:
		return l.push(&sequence{tuple: true}, nil)
	case opEmptyDict:
		return l.push(&dict{}, nil)
	case opTuple1, opTuple2, opTuple3:
		items, err := l.pop(int(op-opTuple1) + 1)
		return l.push(&sequence{items: items, tuple: true}, err)
	case opList, opTuple:
		items, err := l.popMark()
		return l.push(&sequence{items: items, tuple: op == opTuple}, err)
	case opDict:
		items, err := l.popMark()
		if err == nil && len(items)%2 != 0 {
			err = errOddItems
		}
		return l.push(&dict{items: items}, err)
	case opAppend:
		items, err := l.pop(1)
		return l.fillList(items, err)
	case opAppends:
		items, err := l.popMark()
		return l.fillList(items, err)
	case opSetItem:
		items, err := l.pop(2)
		return l.fillDict(items, err)
	case opSetItems:
		items, err := l.popMark()
		return l.fillDict(items, err)
	default:
		return refusal(op)
	}
}

// reachable returns how many values are on the stack above the last open mark: those below it belong to a container outside.
func (l *loader) reachable() int {
	if len(l.marks) == 0 {
		return len(l.stack)
	}
	return len(l.stack) - l.marks[len(l.marks)-1]
}

// pop takes n values off the stack. The slice is a copy.
func (l *loader) pop(n int) ([]value, error) {
	if l.reachable() < n {
		return nil, errTooFew
	}
	rest := len(l.stack) - n
	items := append([]value(nil), l.stack[rest:]...)
	l.stack = l.stack[:rest]
	return items, nil
}

// popMark takes what is above the last open mark, and the mark.
func (l *loader) popMark() ([]value, error) {
	if len(l.marks) == 0 {
		return nil, errNoMark
	}
	items, err := l.pop(l.reachable())
	l.marks = l.marks[:len(l.marks)-1]
	return items, err
}

// top returns the value that an opcode fills or remembers.
func (l *loader) top() (value, error) {
	if l.reachable() == 0 {
		return value{}, errTooFew
	}
	return l.stack[len(l.stack)-1], nil
}

func (l *loader) fillList(items []value, err error) error {
	if err != nil {
		return err
	}
	top, err := l.top()
	if err != nil {
		return err
	}
	list, ok := top.is.(*sequence)
	if !ok || list.tuple {
		return fmt.Errorf("cannot append to a %s", top.kind())
	}
	list.items = append(list.items, items...)
	return nil
}

func (l *loader) fillDict(items []value, err error) error {
	if err != nil {
		return err
	}
	top, err := l.top()
	if err != nil {
		return err
	}
	into, ok := top.is.(*dict)
	if !ok {
		return fmt.Errorf("cannot set an item of a %s", top.kind())
	}
	if len(items)%2 != 0 {
		return errOddItems
	}
	into.items = append(into.items, items...)
	return nil
}

// put remembers the value on top of the stack under a number.
func (l *loader) put(op byte) error {
	index, err := uint64(len(l.memo)), error(nil)
	if op != opMemoize {
		index, err = l.index(op == opPut, op == opBinPut)
	}
	if err != nil {
		return err
	}
	top, err := l.top()
	if err != nil {
		return err
	}
	if l.memo == nil {
		l.memo = make(map[uint64]value)
	}
	l.memo[index] = top
	return nil
}

// get puts what was remembered on the stack once more.
func (l *loader) get(op byte) error {
	index, err := l.index(op == opGet, op == opBinGet)
	if err != nil {
		return err
	}
	v, known := l.memo[index]
	if !known {
		return fmt.Errorf("nothing was remembered as %d", index)
	}
	l.stack = append(l.stack, v)
	return nil
}

// index reads the number of something remembered: a line, a byte or four bytes.
func (l *loader) index(line, short bool) (uint64, error) {
	switch {
	case line:
		return l.textIndex()
	case short:
		return l.number(1)
	default:
		return l.number(4)
	}
}
