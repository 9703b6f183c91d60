"""An agent that only answers health checks, and misbehaves by name: `misbehaving_agent.py [NAME] --folder F`.

The supervisor starts it in place of the real agent. Without a name it behaves well. Names:

- UNRESPONSIVE listens, but answers no health check.
- CRASHING ends at once with exit code 1.
- SHORT_LIVED answers health checks and ends after 50 ms with exit code 3.
- LEAVING_A_CHILD starts a child that is hard to find: it leaves the session, carries no session variable,
  ignores SIGTERM, and writes its process id to `FOLDER/child`.
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
behaviour = sys.argv[1] if not sys.argv[1].startswith("--") else ""
(folder / "agent-arguments").write_text("\n".join(sys.argv[1:]))
if behaviour == "CRASHING":
    sys.exit("the agent crashed, as it was asked to")
if behaviour == "LEAVING_A_CHILD":
    child = "import os, signal, sys, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); os.setsid();"
    child += "open(sys.argv[1], 'w').write(str(os.getpid())); time.sleep(600)"
    subprocess.Popen([sys.executable, "-c", child, str(folder / "child")], env={})
server = socket.socket(socket.AF_UNIX)
server.bind(str(folder / "agent.sock"))
server.listen()
if behaviour == "SHORT_LIVED":
    threading.Timer(0.05, os._exit, [3]).start()
while behaviour == "UNRESPONSIVE":
    time.sleep(60)
while True:
    connection, _ = server.accept()
    connection.recv(4096)
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
    connection.close()
