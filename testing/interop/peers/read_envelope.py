"""Prints the events of a Fanfare publisher as JSON. Usage: read_envelope.py ENDPOINT PREFIX"""
import json, struct, sys, uuid, zmq

def properties(data):
    found = {}
    while data:
        name, data = data[1:1 + data[0]], data[1 + data[0]:]
        size = struct.unpack(">I", data[:4])[0]
        found[name.decode()], data = data[4:4 + size].decode(), data[4 + size:]
    return found

subscriber = zmq.Context().socket(zmq.SUB)
subscriber.setsockopt_string(zmq.SUBSCRIBE, sys.argv[2])
subscriber.connect(sys.argv[1])
while True:
    frames = subscriber.recv_multipart()
    if len(frames) < 3 or len(frames[1]) < 38 or not frames[1].startswith(b"\xc1FFR"):
        continue  # plain
    topic, envelope, *payload = frames
    version, flags, source, seq, time = struct.unpack(">BB16sQq", envelope[4:38])
    if version != 1 or flags & 0xF0:
        continue
    event = {"topic": topic.decode(), "source": str(uuid.UUID(bytes=source)), "seq": seq, "time": time,
             "properties": properties(envelope[38:]), "payload": b"".join(payload).decode()}
    name = event["topic"] + "\0" + str(seq)
    event["id"] = event["properties"].get("id") or str(uuid.uuid5(uuid.UUID(bytes=source), name))
    print(json.dumps(event), flush=True)
