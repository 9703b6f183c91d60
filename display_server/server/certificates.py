"""The server's certificate: where it comes from, its renewal, and the warnings before it expires."""

from __future__ import annotations

import asyncio
import datetime
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import structlog
from cryptography import x509

from display_server.config import Config
from display_server.errors import ConfigurationError, Malfunction
from display_server.gateway.certificate import check_operator_certificate, covers
from display_server.gateway.expiry import ExpiryWarnings
from display_server.gateway.local_certificate import LocalCertificate, fingerprint, permits, read_certificate
from display_server.gateway.tls_exchange import tls_context

log = structlog.get_logger(__name__)

#: The program that issues certificates. This process never loads the authority's key.
AUTHORITY_COMMAND = (sys.executable, "-m", "display_server.authority")
#: The program has to issue a certificate within this time, s. It needs about 1 s.
ISSUE_TIMEOUT_S = 60.0
#: Interval between two examinations of the certificate, s.
EXAMINATION_INTERVAL_S = 3600.0


@dataclass(frozen=True, slots=True)
class ServerCertificate:
    """A certificate that can be used at once: everything about it has been checked."""

    chain_pem: bytes
    key_pem: bytes = field(repr=False)
    leaf: x509.Certificate
    root: x509.Certificate | None  # of the local authority; None with the operator's certificate
    root_pem: bytes | None
    root_sha256: str | None  # fingerprint of the root certificate, as AB:CD:…


async def load_certificate(
    config: Config, folder: Path, names: Sequence[str], now: datetime.datetime, *, again: bool = False
) -> ServerCertificate:
    """Returns the operator's certificate, or that of the local authority in `folder`, which it has issued or
    renewed if necessary.

    `names` are all names of the server. The operator's certificate must be valid for those of the
    configuration. With `again` the log does not repeat what it said about the names. Raises
    ConfigurationError or Malfunction.
    """
    tls = config.tls
    if tls.certificate and tls.key:
        check_operator_certificate(tls.certificate, tls.key, config.names, now)
        root_pem = _read_root(tls.root) if tls.root else None
        return _checked(tls.certificate, tls.key, root_pem)
    local = await _local_certificate(folder, list(names), now)
    certificate = _checked(local.certificate, local.key, local.root_pem)
    _require_names(certificate, config.names)
    if not again:
        _log_names(certificate, names)
    return certificate


async def _local_certificate(folder: Path, names: list[str], now: datetime.datetime) -> LocalCertificate:
    existing = await asyncio.to_thread(read_certificate, folder, names, now)
    if existing is not None:
        return existing
    process = await asyncio.create_subprocess_exec(
        *AUTHORITY_COMMAND,
        str(folder),
        *names,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(ISSUE_TIMEOUT_S):
            _, messages = await process.communicate()
    except BaseException:
        if process.returncode is None:
            process.kill()
            await process.wait()
        raise
    text = messages.decode(errors="replace").strip()
    if process.returncode == 2:
        cause, _, hint = text.rpartition("\n")
        raise ConfigurationError(cause.splitlines()[-1] if cause else hint, hint=hint.strip())
    issued = await asyncio.to_thread(read_certificate, folder, names, now)
    if process.returncode != 0 or issued is None:
        log.error("local authority failed", exit_code=process.returncode, messages=text[-2000:])
        raise Malfunction(
            "The local authority could not issue a certificate.",
            next_step="The log above says why. `lightbox certificate issue` repeats the attempt.",
        )
    return issued


def _read_root(path: Path) -> bytes:
    try:
        pem = path.read_bytes()
        x509.load_pem_x509_certificate(pem)
    except OSError as error:
        raise ConfigurationError(
            f"The root certificate {path} cannot be read: {error.strerror}.",
            hint="Check `tls.root` and the permissions of the file.",
        ) from error
    except ValueError as error:
        raise ConfigurationError(
            f"{path} is not a PEM certificate.",
            hint="Set `tls.root` to the file `ca.crt` that `lightbox certificate issue` writes.",
        ) from error
    return pem


def _checked(certificate: Path, key: Path, root_pem: bytes | None) -> ServerCertificate:
    root = x509.load_pem_x509_certificate(root_pem) if root_pem else None
    try:
        chain_pem, key_pem = certificate.read_bytes(), key.read_bytes()
    except OSError as error:
        raise ConfigurationError(
            f"The certificate {certificate} or its key {key} cannot be read: {error.strerror}.",
            hint="Check the paths and the permissions of the files.",
        ) from error
    tls_context(chain_pem, key_pem)  # raises ConfigurationError
    return ServerCertificate(
        chain_pem=chain_pem,
        key_pem=key_pem,
        leaf=x509.load_pem_x509_certificates(chain_pem)[0],
        root=root,
        root_pem=root_pem,
        root_sha256=fingerprint(root) if root else None,
    )


def _require_names(certificate: ServerCertificate, configured: Sequence[str]) -> None:
    """Raises ConfigurationError if the local authority may not certify a name of the configuration."""
    uncovered = [name for name in configured if not covers(certificate.leaf, name.lower())]
    if uncovered:
        raise ConfigurationError(
            f"The local authority may not certify {', '.join(uncovered)}: it is limited to the names and "
            "networks that this server had when the authority was created.",
            hint="Remove these from `names`, or create a new authority with `lightbox certificate "
            "new-authority`. Every device then has to install the new root certificate.",
        )


def _log_names(certificate: ServerCertificate, names: Sequence[str]) -> None:
    """Logs other names of the server that its local authority may not certify, or that it may certify all."""
    assert certificate.root is not None
    uncovered = [name for name in names if not covers(certificate.leaf, name)]
    if uncovered:
        log.warning("names that the local authority may not certify", names=uncovered)
    if permits(certificate.root, "anything.invalid"):
        log.warning(
            "the local authority of an earlier version may certify every name; "
            "`lightbox certificate new-authority` creates one that is limited to this server"
        )


class CertificateWatch:
    """Says when a certificate expires: as a metric, and by warnings in the log.

    `publish` receives the name of a certificate and its expiry, as Unix time.
    """

    def __init__(self, publish: Callable[[str, float], None]) -> None:
        self._publish = publish
        self._warnings = ExpiryWarnings()

    def examine(self, certificate: ServerCertificate, now: datetime.datetime) -> None:
        self._examine_one("server", certificate.leaf, now)
        if certificate.root is not None:
            self._examine_one("root", certificate.root, now)

    def _examine_one(self, name: str, certificate: x509.Certificate, now: datetime.datetime) -> None:
        expires = certificate.not_valid_after_utc
        self._publish(name, expires.timestamp())
        days = self._warnings.due(name, certificate.signature, expires, now)
        if days is not None:
            log.warning(
                "certificate expires soon",
                certificate=name,
                days=days,
                expires=expires.date().isoformat(),
                next_step=NEXT_STEPS[name],
            )


#: What the operator does before each certificate expires.
NEXT_STEPS = {
    "server": "Renew it, then run `lightbox reload`. If it is that of the local authority, its renewal has "
    "failed: run `lightbox certificate issue`.",
    "root": "Run `lightbox certificate new-authority`, and install the new root certificate on every device.",
}
