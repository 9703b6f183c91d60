"""A TCP relay between a browser and the gateway that counts bytes and can interrupt the connection."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading

#: SO_LINGER value with which `close` sends a reset, as after a network failure, instead of a regular end.
RESET = struct.pack("ii", 1, 0)
#: Most bytes forwarded at once.
CHUNK_BYTES = 65536


class Relay:
    """Listens on a free port of loopback. TLS passes unchanged; Host and Origin name the relay."""

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
        """Resets all connections. New ones are accepted at once."""
        with self._lock:
            connections, self._open = self._open, set()
        for connection in connections:
            with contextlib.suppress(OSError):  # the peer may have closed first
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
                connection.shutdown(socket.SHUT_RDWR)
            connection.close()

    def unplug(self) -> None:
        """Resets all connections and every new one until `plug`."""
        self._plugged = False
        self.cut()

    def swallow(self) -> None:
        """Forwards nothing and closes nothing until `plug`, as out of the range of the Wi-Fi."""
        self._flowing.clear()

    def plug(self) -> None:
        """Forwards connections again after `unplug` or `swallow`."""
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
        with contextlib.suppress(OSError):  # either end may close at any time; then both are closed
            while chunk := source.recv(CHUNK_BYTES):
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
