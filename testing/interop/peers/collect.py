"""A PULL socket that connects and prints what it gets, a line each. Usage: collect.py ENDPOINT...

Prints "ready" first. At the end of its standard input, or a line of it, it prints "rest" and how many more there were, and ends."""
import sys, zmq

socket = zmq.Context().socket(zmq.PULL)
for endpoint in sys.argv[1:]:
    socket.connect(endpoint)
print("ready", flush=True)
poller = zmq.Poller()
poller.register(sys.stdin.fileno(), zmq.POLLIN)
poller.register(socket, zmq.POLLIN)
while sys.stdin.fileno() not in dict(poller.poll()):
    print(socket.recv().decode(), flush=True)
rest = 0
while socket.poll(100):
    socket.recv()
    rest += 1
print("rest", rest, flush=True)
