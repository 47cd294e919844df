// Package codec turns values into bytes and back.
//
// A topic has one [Codec] for all its events. [JSON] is the one used where none is chosen; [Raw] passes bytes through and [String]
// passes text. Formats that need another module have a package of their own below this one, so that only their users download it:
// codec/protobuf for the messages of Protocol Buffers, codec/pickle for plain data exchanged with Python's send_pyobj and recv_pyobj.
package codec
