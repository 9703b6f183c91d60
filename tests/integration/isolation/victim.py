"""A program in a desktop that the hostile program of another desktop attacks: `victim.py TOKEN`.

It shares memory with everybody, listens on every address and on an abstract socket, and prints where. It ends
when its standard input closes.
"""

from __future__ import annotations

import ctypes
import json
import socket
import sys

token = sys.argv[1]
shm = ctypes.CDLL(None, use_errno=True).shmget(0, 4096, 0o1666)
listener = socket.create_server(("0.0.0.0", 0))
abstract = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
abstract.bind("\0" + token)
abstract.listen()
facts = {
    "neighbour_shm": shm,
    "neighbour_port": listener.getsockname()[1],
    "neighbour_abstract_socket": token,
    "neighbour_command": token,
}
print(json.dumps(facts), flush=True)
sys.stdin.read()
ctypes.CDLL(None).shmctl(shm, 0, None)
