"""A REP socket that answers every request with "new message". Usage: reply.py bind|connect ENDPOINT [hang]

Prints "ready" with its endpoint, and each request when it has come. With hang it answers none. Ends with its standard input."""
import os, sys, threading, zmq

def end():
    sys.stdin.read()
    os._exit(0)

threading.Thread(target=end, daemon=True).start()
how, endpoint, *hang = sys.argv[1:]
socket = zmq.Context().socket(zmq.REP)
getattr(socket, how)(endpoint)
print("ready", socket.getsockopt_string(zmq.LAST_ENDPOINT), flush=True)
while True:
    print(socket.recv().decode(), flush=True)
    if hang:
        threading.Event().wait()
    socket.send(b"new message")
