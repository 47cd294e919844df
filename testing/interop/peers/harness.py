"""What the peers share: each says when it is ready, and ends with its standard input."""
import os, sys, threading, zmq

INPUT = sys.stdin.fileno()

def say(*words):
    """Prints a line, at once."""
    print(*words, flush=True)

def ready(*sockets):
    """Says "ready", with the last endpoint of each socket."""
    say("ready", *(socket.getsockopt_string(zmq.LAST_ENDPOINT) for socket in sockets))

def end_with_input():
    """Has a program that waits for messages end with its standard input."""
    def end():
        sys.stdin.read()
        os._exit(0)
    threading.Thread(target=end, daemon=True).start()

def opened(kind, how, *endpoints):
    """Returns a new socket that binds or connects ("bind", "connect")."""
    socket = zmq.Context.instance().socket(kind)
    for endpoint in endpoints:
        getattr(socket, how)(endpoint)
    return socket

def poller(*sockets, events=zmq.POLLIN):
    """Returns a poller of the sockets, and of the standard input: that is INPUT."""
    both = zmq.Poller()
    both.register(INPUT, zmq.POLLIN)
    for socket in sockets:
        both.register(socket, events)
    return both
