"""Many sockets that ask at once. Usage: crowd.py ENDPOINT SOCKETS TIMES KIND...

There are so many sockets of each kind, and each asks that many times: req is a REQ, dealer a DEALER that sends a number and a delimiter first,
bare a DEALER that sends the request alone. DEALERs do not wait for one reply before they ask again. Each request is unique, its reply has to be "re: " and
the request. Prints "done" and the number of replies when each socket has its own, or what was wrong. Ends then, or with its standard input."""
import sys, zmq
from harness import INPUT, opened, poller, say

class Asker:
    def __init__(self, kind, number):
        self.kind, self.name = kind, "%s %d" % (kind, number)
        self.socket = opened(zmq.REQ if kind == "req" else zmq.DEALER, "connect", endpoint)
        self.asked, self.open = 0, set()
        for _ in range(1 if kind == "req" else times):
            self.ask()

    def ask(self):
        request = "%s: %d" % (self.name, self.asked)
        self.asked += 1
        self.open.add(request)
        self.socket.send_multipart({
            "req": [request.encode()],
            "dealer": [request.encode(), b"", request.encode()],  # its own number is in the frames before the delimiter
            "bare": [request.encode()],
        }[self.kind])

    def receive(self):
        *before, reply = self.socket.recv_multipart()
        request = reply.decode().removeprefix("re: ")
        if request not in self.open or reply.decode() == request or before != {"dealer": [request.encode(), b""]}.get(self.kind, []):
            sys.exit(say(self.name, "got", before, reply))
        self.open.remove(request)
        if self.asked < times:
            self.ask()

endpoint, sockets, times, kinds = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4:]
askers = [Asker(kind, number) for number in range(sockets) for kind in kinds]
all = poller(*(asker.socket for asker in askers))
left = len(askers) * times
while left > 0:
    events = dict(all.poll())
    if INPUT in events:
        break
    for asker in askers:
        if asker.socket in events:
            asker.receive()
            left -= 1
else:
    say("done", len(askers) * times)
