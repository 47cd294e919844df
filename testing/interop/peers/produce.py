"""A PUSH socket that binds, and sends {"num": 0}, {"num": 1} and so on as they are taken. Usage: produce.py ENDPOINT COUNT

Prints "ready", and "sent" when the last one is. Ends with its standard input."""
import sys, zmq
from harness import INPUT, opened, poller, ready, say

socket = opened(zmq.PUSH, "bind", sys.argv[1])
ready()
both = poller(socket, events=zmq.POLLOUT)
for num in range(int(sys.argv[2])):
    if INPUT in dict(both.poll()):
        sys.exit()
    socket.send_json({"num": num})
say("sent")
sys.stdin.read()
