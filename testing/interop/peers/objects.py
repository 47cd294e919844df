"""Sends objects with send_pyobj and prints those that recv_pyobj gives, a line each. Usage: objects.py ENDPOINT ENDPOINT

It binds a PUB to the first endpoint and a SUB to the second. It sends as long as it runs, each object on the topic "objects". Prints
"ready" first. Ends with its standard input."""
import sys, zmq
from harness import INPUT, opened, poller, ready, say

shared = [1, 2]
objects = [
    {"id": 1, "name": "Größe", "ratio": 0.5, "raw": b"\0\xff", "none": None, "flags": (True, False), "long": -(2**70)},
    {"id": 2, "shared": [shared, shared], "nested": {"a": {"b": [{}]}}},
]
pub, sub = opened(zmq.PUB, "bind", sys.argv[1]), opened(zmq.SUB, "bind", sys.argv[2])
sub.subscribe("")
ready()
both = poller(sub)
while True:
    events = dict(both.poll(20))
    if INPUT in events:
        break
    if sub in events:
        topic = sub.recv().decode()
        say(topic, ascii(sub.recv_pyobj()))
        continue
    for value in objects:
        pub.send_string("objects", zmq.SNDMORE)
        pub.send_pyobj(value)
zmq.Context.instance().destroy(linger=0)
