"""The local certificate authority, for operators without a certificate of their own.

It issues the server's certificate. Tablets and workstations install its root certificate once. All keys are
ECDSA P-256. The server's certificate meets the requirements of iPadOS: subject alternative names, the
extended key usage serverAuth, and a validity of at most 397 days.

The root certificate has critical name constraints: devices that trust it accept its signature only for the
names of this server and for addresses of the networks that this server is in. Whoever steals the authority's
key can therefore not impersonate other sites.
"""

from __future__ import annotations

import datetime
import ipaddress
import os
import socket
from collections.abc import Sequence
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
from display_server.gateway.certificate import general_name
from display_server.gateway.hosts import Network
from display_server.gateway.local_certificate import (
    CERTIFICATE_FILE,
    KEY_FILE,
    ROOT_FILE,
    LocalCertificate,
    fingerprint,
    is_usable,
    permits,
)

log = structlog.get_logger(__name__)

#: Validity of the root certificate, days (ten years).
ROOT_DAYS = 3652
#: Validity of the server's certificate, days: the longest that iPadOS accepts.
LEAF_DAYS = 397
#: Certificates are valid from this long ago, because the clocks of tablets may be slow.
BACKDATE = datetime.timedelta(hours=1)
#: The file of the authority's key, below the authority's folder.
ROOT_KEY_FILE = "ca.key"
#: The next step when the files of the authority are damaged or incomplete.
RESTORE = (
    "Restore both from a backup, or create a new authority with `lightbox certificate new-authority`. All "
    "devices then have to install the new root certificate."
)

Root = tuple[x509.Certificate, ec.EllipticCurvePrivateKey]


def provide_certificate(
    folder: Path,
    names: list[str],
    now: datetime.datetime,
    *,
    networks: Sequence[Network] = (),
    authority: Path | None = None,
    group: int | None = None,
) -> LocalCertificate:
    """Returns a certificate in `folder` for `names`, and creates the authority if there is none.

    `authority` is the folder of the authority's key, by default the same one. `networks` are the networks of
    this host; a new authority may certify their addresses, and otherwise only `names`. With `group` that Unix
    group can read the certificate's key. The server's certificate is renewed when it expires soon or lacks a
    name that the authority may certify. The root certificate stays until it has expired. Raises
    ConfigurationError when the files are incomplete or damaged.
    """
    authority = authority or folder
    try:
        root, root_key = _load_or_create_root(authority, names, networks, now)
        if not is_usable(folder, root, names, now):
            permitted = [name for name in names if permits(root, name)]
            leaf, key = _create_leaf(root, root_key, permitted, now)
            _write(folder / KEY_FILE, _pem_of_key(key), group)
            _write(folder / CERTIFICATE_FILE, leaf.public_bytes(Encoding.PEM), group)
            log.info(
                "server certificate created",
                names=permitted,
                expires=leaf.not_valid_after_utc.date().isoformat(),
            )
        root_pem = root.public_bytes(Encoding.PEM)
        served = folder / ROOT_FILE
        if authority != folder and not (served.exists() and served.read_bytes() == root_pem):
            _write(served, root_pem, group)
    except OSError as error:
        raise ConfigurationError(
            f"The local authority in {authority} cannot be used: {error.strerror}.",
            hint="Check the permissions of the folder and the free space.",
        ) from error
    return LocalCertificate(
        folder / CERTIFICATE_FILE,
        folder / KEY_FILE,
        root_pem,
        fingerprint(root),
    )


def create_authority(
    authority: Path, names: Sequence[str], networks: Sequence[Network], now: datetime.datetime
) -> x509.Certificate:
    """Creates a new authority, which replaces that of the folder. Its former key is gone.

    Raises OSError.
    """
    return _create_root(authority, names, networks, now)[0]


def _load_or_create_root(
    authority: Path, names: Sequence[str], networks: Sequence[Network], now: datetime.datetime
) -> Root:
    root_file, key_file = authority / ROOT_FILE, authority / ROOT_KEY_FILE
    if root_file.exists() != key_file.exists():
        raise ConfigurationError(
            f"The local authority is incomplete: of {root_file} and {key_file}, one is missing.", hint=RESTORE
        )
    if not root_file.exists():
        return _create_root(authority, names, networks, now)
    try:
        root = x509.load_pem_x509_certificate(root_file.read_bytes())
        key = load_pem_private_key(key_file.read_bytes(), password=None)
    except (ValueError, TypeError) as error:
        raise ConfigurationError(f"{root_file} or {key_file} is damaged: {error}.", hint=RESTORE) from error
    if not isinstance(key, ec.EllipticCurvePrivateKey) or key.public_key() != root.public_key():
        raise ConfigurationError(f"The key {key_file} does not belong to {root_file}.", hint=RESTORE)
    if now >= root.not_valid_after_utc:
        log.warning("root certificate has expired and is replaced; every device has to install the new one")
        return _create_root(authority, names, networks, now)
    key_file.chmod(0o600)
    return root, key


def _create_root(
    authority: Path, names: Sequence[str], networks: Sequence[Network], now: datetime.datetime
) -> Root:
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
        .add_extension(x509.NameConstraints(_permitted(names, networks), None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, SHA256())
    )
    write_private(authority / ROOT_KEY_FILE, _pem_of_key(key))
    write_private(authority / ROOT_FILE, root.public_bytes(Encoding.PEM))
    log.info("local authority created", expires=root.not_valid_after_utc.date().isoformat())
    return root, key


def _permitted(names: Sequence[str], networks: Sequence[Network]) -> list[x509.GeneralName]:
    """Returns the only names that the authority may certify.

    An address stands for its whole network, because the next lease of DHCP must not make every device install
    another root certificate.
    """
    permitted: list[x509.GeneralName] = []
    for name in names:
        try:
            address = ipaddress.ip_address(name)
        except ValueError:
            permitted.append(x509.DNSName(name))
            continue
        own = next((network for network in networks if address in network), ipaddress.ip_network(address))
        permitted.append(x509.IPAddress(own))
    return list(dict.fromkeys(permitted))


def _create_leaf(
    root: x509.Certificate,
    root_key: ec.EllipticCurvePrivateKey,
    names: Sequence[str],
    now: datetime.datetime,
) -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:
    key = ec.generate_private_key(ec.SECP256R1())
    start = now - BACKDATE
    leaf = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0][:64])]))
        .issuer_name(root.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(min(start + datetime.timedelta(days=LEAF_DAYS), root.not_valid_after_utc))
        .add_extension(x509.SubjectAlternativeName([general_name(name) for name in names]), critical=False)
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


def _pem_of_key(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def _write(path: Path, data: bytes, group: int | None) -> None:
    """Writes a file that only its owner can read, and `group` if one is given."""
    write_private(path, data)
    if group is not None:
        os.chown(path, -1, group)
        path.chmod(0o640)
