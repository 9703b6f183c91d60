"""An agent that says it is well and nothing else: `small_agent.py --folder F …`, for tests of its keeper.

With DEAF it never answers; with CRASHING it ends at once; MORTAL is well and ends after 50 ms. A PARENT has
a child that leaves its session, carries no mark, ignores SIGTERM, and writes its pid to `FOLDER/child`.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

folder = Path(sys.argv[sys.argv.index("--folder") + 1])
mood = sys.argv[1] if not sys.argv[1].startswith("--") else ""
(folder / "agent-arguments").write_text("\n".join(sys.argv[1:]))
if mood == "CRASHING":
    sys.exit("no camera")
if mood == "PARENT":
    stubborn = "import os, signal, sys, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); os.setsid();"
    stubborn += "open(sys.argv[1], 'w').write(str(os.getpid())); time.sleep(600)"
    subprocess.Popen([sys.executable, "-c", stubborn, str(folder / "child")], env={})
server = socket.socket(socket.AF_UNIX)
server.bind(str(folder / "agent.sock"))
server.listen()
if mood == "MORTAL":
    threading.Timer(0.05, os._exit, [3]).start()
while mood == "DEAF":
    time.sleep(60)
while True:
    connection, _ = server.accept()
    connection.recv(4096)
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
    connection.close()
