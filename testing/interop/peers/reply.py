"""A REP socket that answers every request with "new message". Usage: reply.py bind|connect ENDPOINT [hang]

Prints "ready" with its endpoint, and each request when it has come. With hang it answers none. Ends with its standard input."""
import sys, threading, zmq
from harness import end_with_input, opened, ready, say

end_with_input()
how, endpoint, *hang = sys.argv[1:]
socket = opened(zmq.REP, how, endpoint)
ready(socket)
while True:
    say(socket.recv().decode())
    if hang:
        threading.Event().wait()
    socket.send(b"new message")
