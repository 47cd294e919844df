// Package interop runs peers in processes of their own, for tests: libzmq by way of Python's zmq package, this test binary as another
// program, and any other command. It is for those who write a program that speaks ZeroMQ, with Fanfare or without, and who want to know how
// it gets on with others: with what they send, and with their crashes.
//
// # A socket of libzmq
//
// [Socket] describes one, and needs no Python of yours:
//
//	peer := interop.Socket(t, interop.Spec{Type: "SUB", Bind: []string{interop.AnyPort}, Subscribe: []string{"orders."}})
//	endpoint := peer.Ready()[0] // connect the program under test to it
//	…
//	frames := peer.Message()
//
// [Script] runs a Python program of yours, and [Python] one of those that this package has in peers. The interpreter is /usr/bin/python3. A test is skipped on machines without
// the package, Debian's python3-zmq, but in continuous integration it fails: see [Missing].
//
// # A process
//
// All of them are a [Process], as is what [Start] makes of a command. Such a program says "ready" when it is, with the endpoints that it
// has bound: a test waits for that line, and for others, and never for time to pass. [Process.Kill] is a crash, [Process.Terminate] a good
// end, [Process.Pause] a machine that is stuck; [Process.Restart] is what comes after a crash.
//
//	peer.Kill()
//	peer.Restart()
//	peer.Ready()
//
// When a program does not do what a test waits for, the failure says how it has ended, and has the last that it has said and written to
// standard error. One that dies is found out at once, not after the 30 s that everything else is waited for.
//
// # This program as another process
//
// [Child] starts the test binary again, in one of the [Roles] that its TestMain runs: so a test can kill a service of its own without
// building a program for that.
//
// # The test's own side
//
// [Join] opens a bus for peers to talk to. [AnyPort], [IPC] and [OverEach] are endpoints, [Patient] and [Next] waits with a limit.
package interop
