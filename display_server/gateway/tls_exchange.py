"""Exchanges the certificate of a listening socket without touching connections that are open."""

from __future__ import annotations

import ssl


class TlsExchange:
    """Gives each new connection the newest certificate.

    `listening` is the context to listen with. OpenSSL calls its server-name callback in every handshake, also
    when the browser names no server, and the callback selects the context whose certificate is presented.
    Replacing the files inside one context would be no alternative: between the certificate and its key, a
    handshake would see a pair that does not match.
    """

    def __init__(self, first: ssl.SSLContext) -> None:
        self.listening = first
        self._current = first
        first.sni_callback = self._select

    def exchange(self, context: ssl.SSLContext) -> None:
        """Presents the certificate of `context` from the next handshake on."""
        self._current = context

    def _select(
        self,
        connection: ssl.SSLSocket | ssl.SSLObject,
        server_name: str | None,  # noqa: ARG002 - all names have the same certificate
        listening: ssl.SSLContext,  # noqa: ARG002 - the context of the listening socket
    ) -> None:
        if connection.context is not self._current:
            connection.context = self._current
