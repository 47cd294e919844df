"""A socket that sends and receives a value as pyzmq encodes it. Usage: talk.py TYPE bind|connect ENDPOINT FORM LITERAL

FORM is json, pyobj, multipart, or string and its encoding, such as "string gbk". LITERAL is the value, as Python writes it in a program. XPUB waits for a
subscription, sends the topic "talk" and the value, and ends with its standard input; SUB receives that. PUSH sends the value, and ends with its
standard input. PULL receives it. REQ sends it and receives it, REP receives it and sends it.

Prints "ready" with its endpoint, and for each value that it receives "same", or what it is instead."""
import sys, zmq
from harness import ready, say
from pprint import pformat  # the order of keys is not compared, types are

kind, how, endpoint, form, literal = sys.argv[1:]
form, *encoding = form.split()
value = eval(literal, {})
socket = zmq.Context.instance().socket(getattr(zmq, kind))

def send():
    getattr(socket, "send_" + form)(value, 0, False, *encoding) if encoding else getattr(socket, "send_" + form)(value)

def receive():
    got = getattr(socket, "recv_" + form)(0, *encoding)
    say("same" if pformat(got) == pformat(value) else ascii(got))

if kind == "SUB":
    socket.subscribe(b"talk")
getattr(socket, how)(endpoint)
ready(socket)
if kind == "XPUB":
    socket.recv()
if kind in ("SUB", "PULL", "REP"):
    if kind == "SUB":
        socket.recv()
    receive()
if kind == "XPUB":
    socket.send(b"talk", zmq.SNDMORE)
if kind in ("XPUB", "PUSH", "REQ", "REP"):
    send()
if kind == "REQ":
    receive()
sys.stdin.read()
