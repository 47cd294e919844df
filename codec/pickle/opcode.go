package pickle

import "fmt"

// The opcodes of plain data, by the names that Python's pickletools gives them.
const (
	opMark      = '('
	opStop      = '.'
	opProto     = 0x80
	opFrame     = 0x95
	opNone      = 'N'
	opNewTrue   = 0x88
	opNewFalse  = 0x89
	opInt       = 'I'
	opBinInt    = 'J'
	opBinInt1   = 'K'
	opBinInt2   = 'M'
	opLong      = 'L'
	opLong1     = 0x8a
	opLong4     = 0x8b
	opFloat     = 'F'
	opBinFloat  = 'G'
	opUnicode   = 'V'
	opBinText   = 'X' // BINUNICODE
	opBinText1  = 0x8c
	opBinText8  = 0x8d
	opBinBytes  = 'B'
	opBinBytes1 = 'C'
	opBinBytes8 = 0x8e

	opEmptyList  = ']'
	opList       = 'l'
	opAppend     = 'a'
	opAppends    = 'e'
	opEmptyTuple = ')'
	opTuple      = 't'
	opTuple1     = 0x85
	opTuple2     = 0x86
	opTuple3     = 0x87
	opEmptyDict  = '}'
	opDict       = 'd'
	opSetItem    = 's'
	opSetItems   = 'u'

	opPut      = 'p'
	opBinPut   = 'q'
	opBinPut4  = 'r' // LONG_BINPUT
	opMemoize  = 0x94
	opGet      = 'g'
	opBinGet   = 'h'
	opBinGet4  = 'j' // LONG_BINGET
	maxVersion = 5
)

// refused are the other opcodes of versions 0 to 5, each with what it is for.
var refused = map[byte]string{
	'c':  "GLOBAL" + codeOrBytes,
	'R':  "REDUCE" + codeOrBytes,
	0x93: "STACK_GLOBAL" + code,
	'b':  "BUILD" + code,
	'i':  "INST" + code,
	'o':  "OBJ" + code,
	0x81: "NEWOBJ" + code,
	0x92: "NEWOBJ_EX" + code,
	0x82: "EXT1" + code,
	0x83: "EXT2" + code,
	0x84: "EXT4" + code,
	'P':  "PERSID" + outside,
	'Q':  "BINPERSID" + outside,
	0x97: "NEXT_BUFFER" + outside,
	0x98: "READONLY_BUFFER" + outside,
	'S':  "STRING" + python2,
	'T':  "BINSTRING" + python2,
	'U':  "SHORT_BINSTRING" + python2,
	0x8f: "EMPTY_SET" + set,
	0x90: "ADDITEMS" + set,
	0x91: "FROZENSET" + set,
	0x96: "BYTEARRAY8, which makes a bytearray: send bytes",
	'0':  "POP" + surplus,
	'1':  "POP_MARK" + surplus,
	'2':  "DUP" + surplus,
}

const (
	code        = ", which names or calls code: only plain data is decoded"
	codeOrBytes = code + " (bytes need pickle protocol 3 or later)"
	outside     = ", which means something that is not in the pickle"
	python2     = ", the str of Python 2, which is text or bytes: only Python 3 is decoded"
	set         = ", which makes a set: send a list"
	surplus     = ", which Python does not write for plain data"
)

// refusal returns why an opcode that is not plain data is refused.
func refusal(op byte) error {
	if what, known := refused[op]; known {
		return fmt.Errorf("opcode %s", what)
	}
	return fmt.Errorf("opcode %#02x is none of pickle protocols 0 to %d", op, maxVersion)
}
