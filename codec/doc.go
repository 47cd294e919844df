// Package codec turns values into bytes and back.
//
// A topic has one [Codec] for all its events. [JSON] is the one used where none is chosen; [Raw] passes bytes through and [String]
// passes text. A subscriber accepts several by [Any]. Formats that need another module have a package of their own below this one, so that only
// their users download it:
//
//	cbor        CBOR, RFC 8949
//	msgpack     MessagePack
//	multipart   several frames as they are, [][]byte
//	pickle      plain data exchanged with Python's send_pyobj and recv_pyobj
//	protobuf    the messages of Protocol Buffers
//	text        strings in GBK, UTF-16, Latin-1 and many other encodings
package codec
