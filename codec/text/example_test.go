package text_test

import (
	"context"
	"fmt"

	"github.com/fanfare-go/fanfare/bus"
	"github.com/fanfare-go/fanfare/codec"
	"github.com/fanfare-go/fanfare/codec/text"
	"github.com/fanfare-go/fanfare/publisher"
	"github.com/fanfare-go/fanfare/subscriber"
	"github.com/fanfare-go/fanfare/topic"
)

// A subscriber that takes the bytes shows what a program in another language would get.
func Example() {
	ctx := context.Background()
	b, err := bus.New(nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	asBytes := func(_ context.Context, e topic.Event[[]byte]) error {
		fmt.Printf("% x\n", e.Value)
		return nil
	}
	if _, err := subscriber.New(b, topic.New[[]byte]("news.cn").WithCodec(codec.Raw), asBytes, nil); err != nil {
		fmt.Println(err)
		return
	}
	pub, err := publisher.New(b, topic.New[string]("news.cn").WithCodec(text.Must("gbk")), nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	if err := pub.Publish(ctx, "你好"); err != nil {
		fmt.Println(err)
	}
	if err := b.Shutdown(ctx); err != nil { // waits for the handler
		fmt.Println(err)
	}
	// Output: c4 e3 ba c3
}

// What an encoding cannot write is refused, and never replaced.
func ExampleNew() {
	c, err := text.New("iso-8859-1")
	if err != nil {
		fmt.Println(err)
		return
	}
	_, err = c.Append(nil, new("5 €"))
	fmt.Println(err)

	_, err = text.New("klingon")
	fmt.Println(err)
	// Output:
	// codec/text: iso-8859-1 cannot write U+20AC '€' at byte 2
	// codec/text: no encoding has the name "klingon"
}
