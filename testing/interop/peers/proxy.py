"""libzmq's proxy between a ROUTER and a DEALER, as it stands between clients and servers that come and go. Usage: proxy.py ENDPOINT ENDPOINT

Prints "ready" with the endpoints that were bound: that for clients, that for servers. Ends with its standard input."""
import os, sys, threading, zmq

def end():
    sys.stdin.read()
    os._exit(0)

threading.Thread(target=end, daemon=True).start()
context = zmq.Context()
frontend, backend = context.socket(zmq.ROUTER), context.socket(zmq.DEALER)
bound = []
for socket, endpoint in zip((frontend, backend), sys.argv[1:]):
    socket.bind(endpoint)
    bound.append(socket.getsockopt_string(zmq.LAST_ENDPOINT))
print("ready", *bound, flush=True)
zmq.proxy(frontend, backend)
