"""libzmq's proxy between a ROUTER and a DEALER, as it stands between clients and servers that come and go. Usage: proxy.py ENDPOINT ENDPOINT

Prints "ready" with the endpoints that were bound: that for clients, that for servers. Ends with its standard input."""
import sys, zmq
from harness import end_with_input, opened, ready

end_with_input()
frontend, backend = opened(zmq.ROUTER, "bind", sys.argv[1]), opened(zmq.DEALER, "bind", sys.argv[2])
ready(frontend, backend)
zmq.proxy(frontend, backend)
