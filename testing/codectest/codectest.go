// Package codectest checks codecs, for those who write one. [Run] holds a codec against the contract of [codec.Codec], rule by rule, and [Fuzz]
// holds its Decode against any bytes:
//
//	func TestCodec(t *testing.T) {
//		codectest.Run(t, mine.Codec, codectest.Cases{
//			Values: map[string]codectest.Value{"order": {Value: &Order{ID: 1}, Encoded: []byte("1")}},
//		})
//	}
//
// Run the tests with -race: some rules are about memory that several goroutines use. What a format has of its own needs tests of its own.
package codectest

import (
	"errors"
	"fmt"
	"reflect"
	"testing"

	"github.com/fanfare-go/fanfare/codec"
)

// Cases are what a codec is checked with. The maps are by the names that failures give. Nothing in them is changed, and several goroutines
// read them at once.
type Cases struct {
	// Name is what the codec calls itself in a *codec.TypeError; "" where that does not matter.
	Name string

	Values     map[string]Value     // what the codec can encode: at least one
	Refused    map[string]Refused   // what Append must refuse although it may be of the right type
	Malformed  map[string]Malformed // what Decode must refuse
	WrongTypes map[string]any       // each in place of v: both Append and Decode must return a *codec.TypeError

	// Equal compares two pointers to the same T. The default is reflect.DeepEqual.
	Equal func(got, want any) bool

	// ShareMemory says that the codec documents that values share memory with src.
	ShareMemory bool
	// PrefixesDecode says that a proper prefix of an encoding may be an encoding too, as with plain text. By default it is an error, and a
	// *codec.FormatError about it has the offset of the end.
	PrefixesDecode bool
	// LongerDecode says that an encoding with bytes behind it may be another encoding. By default bytes left over are an error.
	LongerDecode bool
}

// Value is one that a codec can encode.
type Value struct {
	Value   any    // a *T that is not nil
	Encoded []byte // its encoding; nil where that is not known, or not always the same
	Decoded any    // the *T that Decode makes of the encoding; nil where that equals Value
}

// Refused is a value that a codec cannot encode.
type Refused struct {
	Value any    // a *T
	Error string // in the text of the error
}

// Malformed is what a codec must not decode.
type Malformed struct {
	Src    []byte
	Into   any    // a *T, which itself is not decoded into
	Offset int64  // of the *codec.FormatError; below 0 where the error must not be one
	Error  string // in the text of the error
}

// Run checks that c keeps the contract of [codec.Codec]. Each rule is a parallel subtest, whose name is the rule.
func Run(t *testing.T, c codec.Codec, cases Cases) {
	t.Helper()
	s := subject{c, cases}
	if err := s.check(); err != nil {
		t.Fatal(err)
	}
	for _, r := range rules() {
		t.Run(r.name, func(t *testing.T) {
			t.Parallel()
			if err := r.check(s); err != nil {
				t.Error(err)
			}
		})
	}
}

// Check checks what [Run] does, and returns all failures, each with the name of its rule. It is for cases that are drawn at random.
func Check(c codec.Codec, cases Cases) error {
	s := subject{c, cases}
	if err := s.check(); err != nil {
		return err
	}
	var found failures
	for _, r := range rules() {
		if err := r.check(s); err != nil {
			found.add("%s: %w", r.name, err)
		}
	}
	return found.err()
}

// A rule is one sentence of the contract.
type rule struct {
	name  string
	check func(subject) error // returns all that breaks the rule
}

func rules() []rule {
	return []rule{
		{"Append writes the encoding", subject.appendEncodes},
		{"Append keeps what dst holds", subject.appendKeepsDst},
		{"Append uses the room of dst", subject.appendUsesRoom},
		{"Append returns dst after an error", subject.appendRefuses},
		{"Append does not change the value", subject.appendOnlyReads},
		{"Append keeps neither v nor dst", subject.appendForgets},
		{"Decode gives the value back", subject.decodeRestores},
		{"Decode does not change src", subject.decodeOnlyReads},
		{"Decode keeps neither v nor src", subject.decodeForgets},
		{"Decode refuses a proper prefix", subject.decodeRefusesPrefixes},
		{"Decode refuses bytes left over", subject.decodeRefusesLonger},
		{"Decode refuses what is malformed", subject.decodeRefusesMalformed},
		{"Decode survives any bytes", subject.decodeSurvives},
		{"a wrong type is a TypeError", subject.wrongTypes},
		{"ContentType is one media type", subject.contentType},
		{"many goroutines may use it", subject.concurrent},
	}
}

// subject is what is checked, and with what.
type subject struct {
	codec codec.Codec
	Cases
}

// check says which cases check nothing.
func (s subject) check() error {
	var found failures
	if len(s.Values) == 0 {
		found.add("codectest: Cases.Values is empty, so there is nothing to check")
	}
	for name, v := range s.Values {
		p := reflect.ValueOf(v.Value)
		if p.Kind() != reflect.Pointer || p.IsNil() {
			found.add("codectest: Values[%q].Value is %v, want a pointer that is not nil", name, p)
		} else if v.Decoded != nil && reflect.TypeOf(v.Decoded) != p.Type() {
			found.add("codectest: Values[%q].Decoded is a %T, want a %v", name, v.Decoded, p.Type())
		}
	}
	for name, m := range s.Malformed {
		if p := reflect.TypeOf(m.Into); p == nil || p.Kind() != reflect.Pointer {
			found.add("codectest: Malformed[%q].Into is a %T, want a pointer", name, m.Into)
		}
	}
	return found.err()
}

// append is Append, of which a panic is an error.
func (s subject) append(dst []byte, v any) (encoded []byte, err error) {
	defer recovered("Append", &err)
	return s.codec.Append(dst, v)
}

// decode is Decode, of which a panic is an error.
func (s subject) decode(src []byte, v any) (err error) {
	defer recovered("Decode", &err)
	return s.codec.Decode(src, v)
}

// panicError is a panic of the codec, which is never the error that a rule asks for.
type panicError struct {
	method string
	value  any
}

func (e *panicError) Error() string { return fmt.Sprintf("%s panicked: %v", e.method, e.value) }

func recovered(method string, err *error) {
	if p := recover(); p != nil {
		*err = &panicError{method, p}
	}
}

// refuses reports whether err is one that a codec returned.
func refuses(err error) bool {
	_, panicked := errors.AsType[*panicError](err)
	return err != nil && !panicked
}

// equal compares two pointers to the same T.
func (s subject) equal(got, want any) bool {
	if s.Equal != nil {
		return s.Equal(got, want)
	}
	return reflect.DeepEqual(got, want)
}

// means checks that encoded is an encoding of v.
func (s subject) means(encoded []byte, v Value) error {
	if v.Encoded != nil {
		if string(encoded) != string(v.Encoded) {
			return fmt.Errorf("the encoding is %x, want %x", encoded, v.Encoded)
		}
		return nil
	}
	got := zero(v.Value)
	if err := s.decode(encoded, got); err != nil {
		return fmt.Errorf("the encoding %x does not decode: %w", encoded, err)
	}
	return s.is(got, v)
}

// is checks that got is what v is decoded to.
func (s subject) is(got any, v Value) error {
	want := v.Value
	if v.Decoded != nil {
		want = v.Decoded
	}
	if !s.equal(got, want) {
		return fmt.Errorf("the value is %s, want %s", shown(got), shown(want))
	}
	return nil
}

// zero returns a pointer to a zero value of the type that v points to.
func zero(v any) any { return reflect.New(reflect.TypeOf(v).Elem()).Interface() }

// shown is what p points to, as text.
func shown(p any) string { return fmt.Sprintf("%#v", reflect.ValueOf(p).Elem()) }

// failures are what breaks a rule.
type failures []error

func (f *failures) add(format string, args ...any) { *f = append(*f, fmt.Errorf(format, args...)) }

func (f *failures) join(err error) {
	if err != nil {
		*f = append(*f, err)
	}
}

func (f failures) err() error { return errors.Join(f...) }
