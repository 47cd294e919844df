// Package transporttest checks transports, for those who write one: [Run] holds what a [Network] opens against the contract of package
// transport, sentence by sentence. A driver runs it in a test of its own:
//
//	func TestConformance(t *testing.T) {
//		transporttest.Run(t, network, transporttest.Capabilities{Order: true, Requests: true})
//	}
//
// where network opens transports that are connected with each other. Each check is a parallel subtest whose name is what must hold. One
// that fails says what was expected, what happened, at which line, and which sentence of the contract that breaks, in the words of package
// transport.
//
// [Capabilities] say which parts of the contract the transport keeps. Those that are optional interfaces are compared with what the
// transport implements, so that nothing goes unchecked by mistake.
//
// No check sleeps or polls. What must not arrive is followed by something that must, so that its absence is certain, and not a matter of
// time. What has to happen has 10 seconds for it.
//
// What a transport has room for is its own matter, but the checks need some: that 32 messages, requests or tasks wait for each peer;
// messages, requests, replies and tasks of 1 MiB, messages of 300 parts, envelopes of 30 kB, and 1 MB of messages in all that wait for a
// peer. There is to be an end to it: one that takes 10,000 messages of 20 kB for a peer that receives none has no bound.
//
// Run the tests with -race: some sentences are about memory, and about calls at the same time. What the contract leaves to the driver, such
// as limits, plain peers and what a connection looks like, needs tests of the driver's own. So does Dropped for what was still queued when
// a connection ended: where that is, at the sender, on its way or at the receiver, who counts it as untaken, is different from driver to
// driver.
package transporttest
