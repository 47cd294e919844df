"""A REQ socket that sends "A message" and waits for the reply. Usage: ask.py bind|connect ENDPOINT TIMES

Prints "ready" with its endpoint, and each reply. Ends after the last one, or with its standard input."""
import sys, zmq
from harness import end_with_input, opened, ready, say

end_with_input()
how, endpoint, times = sys.argv[1:]
socket = opened(zmq.REQ, how, endpoint)
ready(socket)
for _ in range(int(times)):
    socket.send(b"A message")
    say(socket.recv().decode())
