"""One libzmq socket. The only argument is a JSON object; package interop documents its fields (Spec).

Prints "ready" with the endpoints that were bound, then a JSON array for each message received, "event NAME" for each event of
its monitor, and "tick" each time that nothing happened for a while. Ends with its standard input."""
import itertools, json, sys, zmq
from harness import INPUT, poller, say
from zmq.utils.monitor import recv_monitor_message

PERIOD = bytes(range(2, 253))

def pattern(size):
    return (PERIOD * (size // len(PERIOD) + 1))[:size]

def encoded(value):
    return pattern(value) if isinstance(value, int) else value.encode("latin-1")

def printable(frame):
    large = len(frame) > 100 and frame == pattern(len(frame))
    return len(frame) if large else frame.decode("latin-1")

def configure(name, value):
    socket.setsockopt(getattr(zmq, name), value if isinstance(value, int) else value.encode())

spec = json.loads(sys.argv[1])
socket = zmq.Context.instance().socket(getattr(zmq, spec["type"]))
for name, value in (spec.get("options") or {}).items():
    configure(name, value)
for prefix in spec.get("subscribe") or []:
    if spec["type"] == "XSUB":
        socket.send(b"\1" + prefix.encode())
    else:
        configure("SUBSCRIBE", prefix)
monitor = socket.get_monitor_socket() if spec.get("monitor") else None
all = poller(*([socket, monitor] if monitor else [socket]))
bound = []
for endpoint in spec.get("bind") or []:
    socket.bind(endpoint)
    bound.append(socket.getsockopt_string(zmq.LAST_ENDPOINT))
for endpoint in spec.get("connect") or []:
    socket.connect(endpoint)
say("ready", *bound)
later = iter(spec.get("later") or [])
messages = itertools.cycle(spec.get("send") or [])
while True:
    events = dict(all.poll(spec["every"]))
    if INPUT in events:
        break
    if monitor in events:
        say("event " + recv_monitor_message(monitor)["event"].name)
    if socket in events:
        frames = socket.recv_multipart(copy=False)
        if spec.get("property"):
            say("property " + frames[0].get(spec["property"]))
        say(json.dumps([printable(f.bytes) for f in frames]))
        if spec.get("echo"):
            socket.send_multipart(frames)
    if spec.get("send") and socket.poll(0, zmq.POLLOUT):
        socket.send_multipart([encoded(f) for f in next(messages)])
    elif not events:
        for option in itertools.islice(later, 1):
            configure(*option)
        say("tick")
