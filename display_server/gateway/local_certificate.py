"""The certificate of the local authority, as the gateway sees it: without the authority's key.

`display_server.authority` issues it, in a process of its own.
"""

from __future__ import annotations

import datetime
import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import structlog
from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from display_server.errors import ConfigurationError
from display_server.gateway.certificate import covers, public_bytes

log = structlog.get_logger(__name__)

#: A certificate that expires sooner than this is renewed, days. It is more than the first warning, so that a
#: warning always means that the renewal has failed for two weeks.
RENEW_DAYS = 60
#: The files, below the folder of the certificate.
ROOT_FILE, CERTIFICATE_FILE, KEY_FILE = "ca.crt", "server.crt", "server.key"


@dataclass(frozen=True, slots=True)
class LocalCertificate:
    """The files of the server's certificate, and the root certificate that devices install."""

    certificate: Path
    key: Path
    root_pem: bytes
    root_sha256: str  # fingerprint for people to compare, as AB:CD:…


def read_certificate(folder: Path, names: list[str], now: datetime.datetime) -> LocalCertificate | None:
    """Returns the certificate in `folder`, or None if one has to be issued or renewed first.

    It must be valid for all names that its authority may certify. Raises ConfigurationError when the folder
    cannot be read or the root certificate is damaged.
    """
    root_file = folder / ROOT_FILE
    try:
        root = x509.load_pem_x509_certificate(root_file.read_bytes())
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ConfigurationError(
            f"The root certificate {root_file} cannot be read: {error.strerror}.",
            hint="Check the permissions of the file.",
        ) from error
    except ValueError as error:
        raise ConfigurationError(
            f"The root certificate {root_file} is damaged: {error}.",
            hint="Restore it and its key from a backup, or create a new authority with `lightbox certificate "
            "new-authority`. All devices then have to install the new root certificate.",
        ) from error
    if now >= root.not_valid_after_utc or not is_usable(folder, root, names, now):
        return None
    return LocalCertificate(
        folder / CERTIFICATE_FILE,
        folder / KEY_FILE,
        (folder / ROOT_FILE).read_bytes(),
        fingerprint(root),
    )


def fingerprint(certificate: x509.Certificate) -> str:
    """Returns the SHA-256 fingerprint as AB:CD:…, which people compare."""
    return ":".join(f"{byte:02X}" for byte in certificate.fingerprint(SHA256()))


def is_usable(folder: Path, root: x509.Certificate, names: Iterable[str], now: datetime.datetime) -> bool:
    """Returns whether the server's certificate exists, is valid for all names that the authority may certify,
    and does not expire soon.
    """
    try:
        leaf = x509.load_pem_x509_certificate((folder / CERTIFICATE_FILE).read_bytes())
        key = load_pem_private_key((folder / KEY_FILE).read_bytes(), password=None)
        leaf.verify_directly_issued_by(root)
    except FileNotFoundError:
        return False
    except Exception as error:  # whatever the damage, the certificate is simply replaced
        log.warning("server certificate cannot be used and is replaced", error=type(error).__name__)
        return False
    renewed_until = min(now + datetime.timedelta(days=RENEW_DAYS), root.not_valid_after_utc)
    return (
        public_bytes(key.public_key()) == public_bytes(leaf.public_key())
        and leaf.not_valid_before_utc <= now < leaf.not_valid_after_utc
        and renewed_until <= leaf.not_valid_after_utc
        and all(covers(leaf, name) for name in names if permits(root, name))
    )


def permits(root: x509.Certificate, name: str) -> bool:
    """Returns whether the authority may certify this name.

    Authorities of Lightbox 0.1.0 have no name constraints and may certify every name.
    """
    try:
        constraints = root.extensions.get_extension_for_class(x509.NameConstraints).value
    except x509.ExtensionNotFound:
        return True
    permitted = constraints.permitted_subtrees or ()
    try:
        address = ipaddress.ip_address(name)
    except ValueError:
        name = name.lower()
        return any(
            name == part.value.lower() or name.endswith("." + part.value.lower())
            for part in permitted
            if isinstance(part, x509.DNSName)
        )
    return any(
        address in part.value
        for part in permitted
        if isinstance(part, x509.IPAddress)
        and isinstance(part.value, ipaddress.IPv4Network | ipaddress.IPv6Network)
    )
