"""A worker: pulls {"num": n}, and pushes {"consumer_id": its id, "num": n} from a second socket, which it binds. Usage: work.py PULL PUSH

Prints "ready". Ends with its standard input."""
import random, sys, zmq
from harness import end_with_input, opened, ready

end_with_input()
pull, push = opened(zmq.PULL, "connect", sys.argv[1]), opened(zmq.PUSH, "bind", sys.argv[2])
identity = random.randrange(1_000_000)
ready()
while True:
    push.send_json({"consumer_id": identity, "num": pull.recv_json()["num"]})
