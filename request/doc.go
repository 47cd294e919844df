// Package request asks questions and answers them: typed requests and replies, inside a process and, through a transport, between
// processes.
//
//	var Quote = request.NewCall[QuoteRequest, QuoteReply]("billing.quote")
//
//	srv, err := request.Serve(b, Quote, func(ctx context.Context, q QuoteRequest) (QuoteReply, error) { … }, nil)
//
//	cl, err := request.NewClient(b, Quote, &request.Options{Timeout: time.Second, Attempts: 3})
//	reply, err := cl.Do(ctx, QuoteRequest{…})
package request
