// Package interop runs peers in processes of their own, for tests: libzmq through Python's zmq package, and any other program.
//
//	python := interop.Socket(t, interop.Spec{Type: "SUB", Bind: []string{"tcp://127.0.0.1:*"}, Subscribe: []string{"orders."}})
//	endpoint := python.Ready()[0]
//	…
//	frames := python.Message()
//
// A process ends with its test at the latest. What it wrote to standard error is in the log of a test that fails.
package interop
