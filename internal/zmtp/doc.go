// Package zmtp is the wire codec of ZMTP 3.x (RFC 23, RFC 37): frames, commands, metadata, and the guarded handshake.
//
// Everything but [Handshake] is pure: bytes in, values out, no goroutine, no connection, no clock. Parsers trust no length they
// read: each is compared with a limit before anything is allocated, and every violation is a [*ProtocolError].
package zmtp
