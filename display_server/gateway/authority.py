"""The local certificate authority, for operators without a certificate of their own.

It issues the server's certificate. Tablets and workstations install its root certificate once. All keys are
ECDSA P-256. The server's certificate meets the requirements of iPadOS: subject alternative names, the
extended key usage serverAuth, and a validity of at most 397 days.
"""

from __future__ import annotations

import datetime
import ipaddress
import socket
from dataclasses import dataclass
from pathlib import Path

import structlog
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from display_server.desktop.spec import write_private
from display_server.errors import ConfigurationError
from display_server.gateway.certificate import covers

log = structlog.get_logger(__name__)

#: Validity of the root certificate, days (ten years).
ROOT_DAYS = 3652
#: Validity of the server's certificate, days: the longest that iPadOS accepts.
LEAF_DAYS = 397
#: A certificate that expires sooner than this is renewed at the next start, days.
RENEW_DAYS = 45
#: Certificates are valid from this long ago, because the clocks of tablets may be slow.
BACKDATE = datetime.timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class LocalCertificate:
    """The files of the server's certificate, and the root certificate that devices install."""

    certificate: Path
    key: Path
    root_pem: bytes
    root_sha256: str  # fingerprint for people to compare, as AB:CD:…


def provide_certificate(folder: Path, names: list[str], now: datetime.datetime) -> LocalCertificate:
    """Returns a certificate for `names`, and creates the authority in `folder` if there is none.

    The server's certificate is renewed when it expires soon or lacks one of the names. The root certificate
    stays the same until it expires soon itself. Raises ConfigurationError when the files are incomplete or
    damaged.
    """
    root_key_file, root_file = folder / "ca.key", folder / "ca.crt"
    key_file, certificate_file = folder / "server.key", folder / "server.crt"
    try:
        root, root_key = _load_or_create_root(root_file, root_key_file, now)
        if not _is_usable(certificate_file, key_file, root, names, now):
            leaf, key = _create_leaf(root, root_key, names, now)
            write_private(key_file, _pem_of_key(key))
            write_private(certificate_file, leaf.public_bytes(Encoding.PEM))
            log.info(
                "server certificate created", names=names, expires=leaf.not_valid_after_utc.date().isoformat()
            )
    except OSError as error:
        raise ConfigurationError(
            f"The local authority in {folder} cannot be used: {error.strerror}.",
            hint="Check the permissions of the folder and the free space.",
        ) from error
    digest = root.fingerprint(SHA256())
    return LocalCertificate(
        certificate_file,
        key_file,
        root.public_bytes(Encoding.PEM),
        ":".join(f"{byte:02X}" for byte in digest),
    )


def _load_or_create_root(
    root_file: Path, key_file: Path, now: datetime.datetime
) -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:
    if root_file.exists() != key_file.exists():
        raise ConfigurationError(
            f"The local authority is incomplete: of {root_file} and {key_file}, one is missing.",
            hint="Restore it from a backup, or remove the other file to create a new authority. Then every "
            "device has to install the new root certificate.",
        )
    if root_file.exists():
        try:
            root = x509.load_pem_x509_certificate(root_file.read_bytes())
            key = load_pem_private_key(key_file.read_bytes(), password=None)
        except (ValueError, TypeError) as error:
            raise ConfigurationError(
                f"{root_file} or {key_file} is damaged: {error}.",
                hint="Restore both from a backup, or remove both to create a new authority. All devices then "
                "have to install the new root certificate.",
            ) from error
        if not isinstance(key, ec.EllipticCurvePrivateKey) or key.public_key() != root.public_key():
            raise ConfigurationError(
                f"The key {key_file} does not belong to {root_file}.",
                hint="Restore both from a backup, or remove both to create a new authority. All devices then "
                "have to install the new root certificate.",
            )
        if now + datetime.timedelta(days=RENEW_DAYS) < root.not_valid_after_utc:
            key_file.chmod(0o600)
            return root, key
        log.warning("root certificate expires soon and is replaced; every device has to install the new one")
    return _create_root(root_file, key_file, now)


def _create_root(
    root_file: Path, key_file: Path, now: datetime.datetime
) -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:
    key = ec.generate_private_key(ec.SECP256R1())
    host = socket.gethostname() or "localhost"
    name = x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Lightbox"),
            x509.NameAttribute(NameOID.COMMON_NAME, f"Lightbox local authority ({host})"[:64]),
        ]
    )
    root = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - BACKDATE)
        .not_valid_after(now + datetime.timedelta(days=ROOT_DAYS))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_key_usage(sign_certificates=True), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, SHA256())
    )
    write_private(key_file, _pem_of_key(key))
    write_private(root_file, root.public_bytes(Encoding.PEM))
    log.info("local authority created", expires=root.not_valid_after_utc.date().isoformat())
    return root, key


def _create_leaf(
    root: x509.Certificate, root_key: ec.EllipticCurvePrivateKey, names: list[str], now: datetime.datetime
) -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:
    key = ec.generate_private_key(ec.SECP256R1())
    leaf = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0][:64])]))
        .issuer_name(root.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - BACKDATE)
        .not_valid_after(now - BACKDATE + datetime.timedelta(days=LEAF_DAYS))
        .add_extension(x509.SubjectAlternativeName([_general_name(name) for name in names]), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_key_usage(sign_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(root_key.public_key()), critical=False
        )
        .sign(root_key, SHA256())
    )
    return leaf, key


def _is_usable(
    certificate_file: Path, key_file: Path, root: x509.Certificate, names: list[str], now: datetime.datetime
) -> bool:
    """Returns whether the server's certificate exists, is valid for all names and does not expire soon."""
    try:
        leaf = x509.load_pem_x509_certificate(certificate_file.read_bytes())
        key = load_pem_private_key(key_file.read_bytes(), password=None)
        leaf.verify_directly_issued_by(root)
    except FileNotFoundError:
        return False
    except Exception as error:  # whatever the damage, the certificate is simply replaced
        log.warning("server certificate cannot be used and is replaced", error=type(error).__name__)
        return False
    return (
        isinstance(key, ec.EllipticCurvePrivateKey)
        and key.public_key() == leaf.public_key()
        and leaf.not_valid_before_utc <= now
        and now + datetime.timedelta(days=RENEW_DAYS) < leaf.not_valid_after_utc
        and all(covers(leaf, name) for name in names)
    )


def _key_usage(*, sign_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not sign_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=sign_certificates,
        crl_sign=sign_certificates,
        encipher_only=False,
        decipher_only=False,
    )


def _general_name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _pem_of_key(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
