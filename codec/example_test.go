package codec_test

import (
	"errors"
	"fmt"

	"github.com/fanfare-go/fanfare/codec"
)

func ExampleCodec() {
	var c codec.Codec = codec.JSON

	type Order struct {
		Customer string
		Items    int
	}
	encoded, err := c.Append(nil, &Order{Customer: "ada", Items: 2})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%s %s\n", c.ContentType(), encoded)

	var decoded Order
	if err := c.Decode(encoded, &decoded); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%+v\n", decoded)
	// Output:
	// application/json {"Customer":"ada","Items":2}
	// {Customer:ada Items:2}
}

// JSON is read by the rules of encoding/json, so its errors are that package's.
func Example_json() {
	var decoded struct{ Items int }
	fmt.Println(codec.JSON.Decode([]byte(`{"Items": 2}`), &decoded), decoded.Items)
	fmt.Println(codec.JSON.Decode([]byte(`{"Items": 2`), &decoded))
	// Output:
	// <nil> 2
	// at byte 11: unexpected end of JSON input
}

// Raw hands bytes on as they are, and says so when T is something else.
func Example_raw() {
	jpeg := []byte{0xFF, 0xD8, 0xFF}
	encoded, err := codec.Raw.Append(nil, &jpeg)
	fmt.Printf("%s % X %v\n", codec.Raw.ContentType(), encoded, err)

	count := 3
	_, err = codec.Raw.Append(nil, &count)
	var wrong *codec.TypeError
	fmt.Println(errors.As(err, &wrong), err)
	// Output:
	// application/octet-stream FF D8 FF <nil>
	// true codec: raw cannot handle *int, it takes a pointer to a byte slice that is not nil
}

// String checks text in both directions.
func Example_string() {
	var headline string
	fmt.Println(codec.String.Decode([]byte("Größer"), &headline), headline)
	fmt.Println(codec.String.Decode([]byte("Gr\xf6\xdfer"), &headline)) // Latin-1
	// Output:
	// <nil> Größer
	// at byte 2: text of 6 bytes is not valid UTF-8
}
