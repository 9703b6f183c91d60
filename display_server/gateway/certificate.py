"""The door's certificate: the operator's own, checked before it is used, and the TLS settings."""

from __future__ import annotations

import datetime
import ipaddress
import ssl
import stat
from pathlib import Path

import structlog
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

from display_server.errors import ConfigurationError

log = structlog.get_logger(__name__)

#: A certificate that ends sooner is named in the log.
WARN_DAYS = 30


def tls_context(certificate: Path, key: Path) -> ssl.SSLContext:
    """TLS 1.3 and nothing else, HTTP/1.1 and nothing else (a WebSocket needs it).

    Raises ConfigurationError.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.set_alpn_protocols(["http/1.1"])
    # All of TLS 1.3's ciphers are good, so the browser picks: AES-128-GCM where it has AES in hardware,
    # ChaCha20 where not. Left to itself OpenSSL would insist on AES-256.
    context.options &= ~ssl.OP_CIPHER_SERVER_PREFERENCE
    try:
        context.load_cert_chain(certificate, key)
    except (ssl.SSLError, OSError) as error:
        raise ConfigurationError(f"{certificate} with {key} cannot be used for TLS: {error}.") from error
    return context


def check_own(certificate: Path, key: Path, names: list[str], now: datetime.datetime) -> None:
    """Raises ConfigurationError when the certificate will not do; it names file and cure."""
    try:
        chain = x509.load_pem_x509_certificates(certificate.read_bytes())
    except OSError as error:
        raise ConfigurationError(
            f"The certificate {certificate} cannot be read: {error.strerror}."
        ) from error
    except ValueError as error:
        raise ConfigurationError(
            f"{certificate} is not a PEM certificate.",
            hint="It must contain the server's certificate, then the intermediate ones.",
        ) from error
    leaf = chain[0]
    _check_key(leaf, certificate, key)
    if now >= leaf.not_valid_after_utc:
        raise ConfigurationError(
            f"The certificate {certificate} expired on {leaf.not_valid_after_utc:%Y-%m-%d}.", hint="Renew it."
        )
    if now < leaf.not_valid_before_utc:
        raise ConfigurationError(
            f"The certificate {certificate} is not valid before {leaf.not_valid_before_utc:%Y-%m-%d %H:%M}Z.",
            hint="Check this host's clock.",
        )
    days = (leaf.not_valid_after_utc - now).days
    if days < WARN_DAYS:
        log.warning("the certificate ends soon", path=str(certificate), days=days)
    uncovered = [name for name in names if not covers(leaf, name)]
    if uncovered:
        raise ConfigurationError(
            f"The certificate {certificate} is not made out to: {', '.join(uncovered)}.",
            hint="Take those out of `names`, or get a certificate with them as subject alternative names.",
        )


def _check_key(leaf: x509.Certificate, certificate: Path, key: Path) -> None:
    try:
        mode = stat.S_IMODE(key.stat().st_mode)
        if mode & 0o007:
            raise ConfigurationError(
                f"The key {key} can be read by everybody (mode {mode:04o}).", hint=f"chmod 600 {key}"
            )
        private = load_pem_private_key(key.read_bytes(), password=None)
    except OSError as error:
        raise ConfigurationError(f"The key {key} cannot be read: {error.strerror}.") from error
    except TypeError as error:
        raise ConfigurationError(
            f"The key {key} is encrypted.", hint=f"openssl pkey -in {key} -out NEW decrypts it."
        ) from error
    except ValueError as error:
        raise ConfigurationError(f"{key} is not a PEM private key.") from error
    if _public(leaf.public_key()) != _public(private.public_key()):
        raise ConfigurationError(
            f"The key {key} does not belong to the certificate {certificate}.",
            hint="The server's own certificate must be the first in its file.",
        )


def _public(key: PublicKeyTypes) -> bytes:
    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def covers(certificate: x509.Certificate, name: str) -> bool:
    """Whether the certificate is made out to this host name or address."""
    try:
        alternatives = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return False
    try:
        return ipaddress.ip_address(name) in alternatives.get_values_for_type(x509.IPAddress)
    except ValueError:
        own = [dns.lower() for dns in alternatives.get_values_for_type(x509.DNSName)]
        name = name.lower()
        return name in own or ("." in name and "*." + name.partition(".")[2] in own)
