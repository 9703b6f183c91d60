"""A TCP relay between a browser and the door, which a test can cut like a cable, and which counts bytes."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading

#: With this, `close` sends a reset and not a polite farewell: the peer learns as much as from a broken line.
RESET = struct.pack("ii", 1, 0)
CHUNK = 65536


class Relay:
    """Listens on a free port of loopback. TLS passes untouched: Host and Origin name the relay."""

    def __init__(self, port: int) -> None:
        self._target = port
        self._lock = threading.Lock()
        self._open: set[socket.socket] = set()
        self._plugged = True
        self._flowing = threading.Event()
        self._flowing.set()
        self.bytes_down = 0
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.url = f"https://127.0.0.1:{self.port}"
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self) -> None:
        """Breaks all connections. New ones are taken at once."""
        with self._lock:
            victims, self._open = self._open, set()
        for victim in victims:
            with contextlib.suppress(OSError):  # the other end may have been quicker
                victim.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
                victim.shutdown(socket.SHUT_RDWR)
            victim.close()

    def unplug(self) -> None:
        """Breaks all connections and takes no new ones until `plug`."""
        self._plugged = False
        self.cut()

    def swallow(self) -> None:
        """Passes nothing on and says nothing, as out of the reach of the Wi-Fi, until `plug`."""
        self._flowing.clear()

    def plug(self) -> None:
        self._plugged = True
        self._flowing.set()

    def close(self) -> None:
        self._listener.close()
        self._flowing.set()
        self.cut()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return  # closed
            if not self._plugged:
                near.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
                near.close()
                continue
            self._flowing.wait()
            try:
                far = socket.create_connection(("127.0.0.1", self._target))
            except OSError:
                near.close()
                continue
            with self._lock:
                self._open |= {near, far}
            threading.Thread(target=self._pump, args=(near, far, False), daemon=True).start()
            threading.Thread(target=self._pump, args=(far, near, True), daemon=True).start()

    def _pump(self, source: socket.socket, sink: socket.socket, down: bool) -> None:
        with contextlib.suppress(OSError):  # either end may go at any time; then both go
            while chunk := source.recv(CHUNK):
                if down:
                    with self._lock:
                        self.bytes_down += len(chunk)
                self._flowing.wait()
                sink.sendall(chunk)
        with self._lock:
            self._open -= {source, sink}
        for end in (source, sink):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
