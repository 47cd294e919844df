"""A worker: pulls {"num": n}, and pushes {"consumer_id": its id, "num": n} from a second socket, which it binds. Usage: work.py PULL PUSH

Prints "ready". Ends with its standard input."""
import os, random, sys, threading, zmq

def end():
    sys.stdin.read()
    os._exit(0)

threading.Thread(target=end, daemon=True).start()
context = zmq.Context()
pull, push = context.socket(zmq.PULL), context.socket(zmq.PUSH)
pull.connect(sys.argv[1])
push.bind(sys.argv[2])
identity = random.randrange(1_000_000)
print("ready", flush=True)
while True:
    push.send_json({"consumer_id": identity, "num": pull.recv_json()["num"]})
