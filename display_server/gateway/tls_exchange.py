"""The TLS settings, and the exchange of a certificate without touching connections that are open."""

from __future__ import annotations

import contextlib
import os
import ssl
from collections.abc import Iterator

from display_server.errors import ConfigurationError

#: The ciphers that are offered for TLS 1.2, as OpenSSL writes them; those of TLS 1.3 cannot be chosen here.
TLS_1_2_CIPHERS = "ECDHE+AESGCM:ECDHE+CHACHA20"


def tls_context(certificate: bytes, key: bytes) -> ssl.SSLContext:
    """Returns the TLS settings: TLS 1.3 or 1.2, and only HTTP/1.1, which WebSockets need.

    The certificate chain and its key are PEM.

    TLS 1.2 exists for reverse proxies, some of which use nothing newer by default. Requests over it are
    refused unless they come from a trusted proxy, with a message that names the missing line; a failed
    handshake could not say that. Its ciphers have forward secrecy and are authenticated, as those of TLS 1.3.
    Raises ConfigurationError when OpenSSL rejects the certificate or the key.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers(TLS_1_2_CIPHERS)
    context.options |= ssl.OP_NO_RENEGOTIATION
    context.set_alpn_protocols(["http/1.1"])
    # All ciphers of TLS 1.3 are secure, so the browser chooses: AES-128-GCM with hardware support for AES,
    # ChaCha20 without. By default OpenSSL would insist on AES-256.
    context.options &= ~ssl.OP_CIPHER_SERVER_PREFERENCE
    try:
        with _in_memory(certificate) as certificate_path, _in_memory(key) as key_path:
            # Without a password, OpenSSL would ask for that of an encrypted key on the terminal.
            context.load_cert_chain(certificate_path, key_path, password="")
    except (ssl.SSLError, OSError) as error:
        raise ConfigurationError(
            f"The certificate and its key cannot be used for TLS: {error}.",
            hint="Set `tls.certificate` and `tls.key` to a PEM certificate and the key that belongs to it.",
        ) from error
    return context


@contextlib.contextmanager
def _in_memory(content: bytes) -> Iterator[str]:
    """Yields the path of a file that is in memory alone. OpenSSL loads certificates and keys from files."""
    descriptor = os.memfd_create("pem", os.MFD_CLOEXEC)
    try:
        with open(descriptor, "wb", closefd=False) as file:
            file.write(content)
        yield f"/proc/self/fd/{descriptor}"
    finally:
        os.close(descriptor)


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
