"""One libzmq socket. The only argument is a JSON object; package interop documents its fields (Spec).

Prints "ready" with the endpoints that were bound, then a JSON array for each message received, "event NAME" for each event of
its monitor, and "tick" each time that nothing happened for a while. Ends with its standard input."""
import itertools, json, sys, zmq
from zmq.utils.monitor import recv_monitor_message

PATTERN = bytes(range(251)) * 5000

def encoded(frame):
    return PATTERN[:frame] if isinstance(frame, int) else frame.encode("latin-1")

def printable(frame):
    large = len(frame) > 100 and frame == PATTERN[:len(frame)]
    return len(frame) if large else frame.decode("latin-1")

def say(line):
    print(line, flush=True)

spec = json.loads(sys.argv[1])
socket = zmq.Context().socket(getattr(zmq, spec["type"]))
for name, value in (spec.get("options") or {}).items():
    socket.setsockopt(getattr(zmq, name), value)
for prefix in spec.get("subscribe") or []:
    socket.setsockopt_string(zmq.SUBSCRIBE, prefix)
poller = zmq.Poller()
poller.register(sys.stdin.fileno(), zmq.POLLIN)
monitor = socket.get_monitor_socket() if spec.get("monitor") else None
if monitor:
    poller.register(monitor, zmq.POLLIN)
if spec["type"] in ("SUB", "REP"):
    poller.register(socket, zmq.POLLIN)
bound = []
for endpoint in spec.get("bind") or []:
    socket.bind(endpoint)
    bound.append(socket.getsockopt_string(zmq.LAST_ENDPOINT))
for endpoint in spec.get("connect") or []:
    socket.connect(endpoint)
say(" ".join(["ready"] + bound))
messages = itertools.cycle(spec.get("send") or [])
while True:
    events = dict(poller.poll(spec["every"]))
    if sys.stdin.fileno() in events:
        break
    if monitor in events:
        say("event " + recv_monitor_message(monitor)["event"].name)
    if socket in events:
        say(json.dumps([printable(f) for f in socket.recv_multipart()]))
    if spec.get("send"):
        socket.send_multipart([encoded(f) for f in next(messages)])
    elif not events:
        say("tick")
