"""Sends objects with send_pyobj and prints those that recv_pyobj gives, a line each. Usage: objects.py ENDPOINT ENDPOINT

It binds a PUB to the first endpoint and a SUB to the second. It sends as long as it runs, each object on the topic "objects". Prints
"ready" first. Ends with its standard input."""
import sys, zmq

shared = [1, 2]
objects = [
    {"id": 1, "name": "Größe", "ratio": 0.5, "raw": b"\0\xff", "none": None, "flags": (True, False), "long": -(2**70)},
    {"id": 2, "shared": [shared, shared], "nested": {"a": {"b": [{}]}}},
]
context = zmq.Context()
pub, sub = context.socket(zmq.PUB), context.socket(zmq.SUB)
pub.bind(sys.argv[1])
sub.bind(sys.argv[2])
sub.subscribe("")
print("ready", flush=True)
poller = zmq.Poller()
poller.register(sys.stdin.fileno(), zmq.POLLIN)
poller.register(sub, zmq.POLLIN)
while True:
    ready = dict(poller.poll(20))
    if sys.stdin.fileno() in ready:
        break
    if sub in ready:
        topic = sub.recv().decode()
        print(topic, ascii(sub.recv_pyobj()), flush=True)
        continue
    for value in objects:
        pub.send_string("objects", zmq.SNDMORE)
        pub.send_pyobj(value)
context.destroy(linger=0)
