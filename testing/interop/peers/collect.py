"""A PULL socket that connects and prints what it gets, a line each. Usage: collect.py ENDPOINT...

Prints "ready" first. At the end of its standard input, or a line of it, it prints "rest" and how many more there were, and ends."""
import sys, zmq
from harness import INPUT, opened, poller, ready, say

socket = opened(zmq.PULL, "connect", *sys.argv[1:])
ready()
both = poller(socket)
while INPUT not in dict(both.poll()):
    say(socket.recv().decode())
rest = 0
while socket.poll(100):
    socket.recv()
    rest += 1
say("rest", rest)
