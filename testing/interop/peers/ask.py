"""A REQ socket that sends "A message" and waits for the reply. Usage: ask.py bind|connect ENDPOINT TIMES

Prints "ready" with its endpoint, and each reply. Ends after the last one, or with its standard input."""
import os, sys, threading, zmq

def end():
    sys.stdin.read()
    os._exit(0)

threading.Thread(target=end, daemon=True).start()
how, endpoint, times = sys.argv[1:]
socket = zmq.Context().socket(zmq.REQ)
getattr(socket, how)(endpoint)
print("ready", socket.getsockopt_string(zmq.LAST_ENDPOINT), flush=True)
for _ in range(int(times)):
    socket.send(b"A message")
    print(socket.recv().decode(), flush=True)
