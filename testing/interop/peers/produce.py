"""A PUSH socket that binds, and sends {"num": 0}, {"num": 1} and so on as they are taken. Usage: produce.py ENDPOINT COUNT

Prints "ready", and "sent" when the last one is. Ends with its standard input."""
import sys, zmq

socket = zmq.Context().socket(zmq.PUSH)
socket.bind(sys.argv[1])
print("ready", flush=True)
poller = zmq.Poller()
poller.register(sys.stdin.fileno(), zmq.POLLIN)
poller.register(socket, zmq.POLLOUT)
for num in range(int(sys.argv[2])):
    if sys.stdin.fileno() in dict(poller.poll()):
        sys.exit()
    socket.send_json({"num": num})
print("sent", flush=True)
sys.stdin.read()
