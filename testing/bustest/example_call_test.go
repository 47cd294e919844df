package bustest_test

import (
	"context"
	"errors"
	"testing"

	"github.com/fanfare-go/fanfare/request"
	"github.com/fanfare-go/fanfare/testing/bustest"
)

// Price is the call that the example is about: what an item costs.
var Price = request.NewCall[string, int]("billing.price")

// Total adds up what items cost. What cannot be asked for costs nothing today.
func Total(ctx context.Context, prices request.Interface[string, int], items ...string) (sum int, err error) {
	for _, item := range items {
		price, err := prices.Do(ctx, item)
		if err != nil && !errors.Is(err, request.ErrTimeout) {
			return 0, err
		}
		sum += price
	}
	return sum, nil
}

// A test of code that asks, whose first question gets no answer. To test a client instead, hand the fake's Handle to request.Serve.
func ExampleCall() {
	TestTotal := func(t *testing.T) {
		prices := bustest.NewCall(t, Price, func(item string) (int, error) { return len(item), nil }, bustest.Fail(request.ErrTimeout))

		if sum, err := Total(t.Context(), prices, "tea", "milk"); sum != 4 || err != nil {
			t.Errorf("got %d, %v", sum, err)
		}
	}
	_ = TestTotal
}
