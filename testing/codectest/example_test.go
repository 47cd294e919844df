package codectest_test

import (
	"fmt"

	"github.com/fanfare-go/fanfare/codec"
	"github.com/fanfare-go/fanfare/testing/codectest"
)

// Raw passes all bytes through, and its values share memory with what was received. A codec that does so must say it.
func ExampleCheck() {
	cases := codectest.Cases{
		Values:         map[string]codectest.Value{"text": {Value: new([]byte{1, 2}), Encoded: []byte{1, 2}}},
		PrefixesDecode: true,
		LongerDecode:   true,
	}
	fmt.Println(codectest.Check(codec.Raw, cases))
	cases.ShareMemory = true
	fmt.Println(codectest.Check(codec.Raw, cases))
	// Output:
	// Decode keeps neither v nor src: text: since src was changed: the value is []uint8{0xfe, 0xfd}, want []uint8{0x1, 0x2}
	// <nil>
}
