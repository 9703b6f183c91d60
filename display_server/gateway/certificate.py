"""The checks of a certificate that the operator provides."""

from __future__ import annotations

import datetime
import ipaddress
import stat
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

from display_server.errors import ConfigurationError


def check_operator_certificate(
    certificate: Path, key: Path, names: list[str], now: datetime.datetime
) -> None:
    """Checks the operator's certificate: its key, its dates, and that it is valid for all `names`.

    Raises ConfigurationError, which names the file and the next step.
    """
    try:
        chain = x509.load_pem_x509_certificates(certificate.read_bytes())
    except OSError as error:
        raise ConfigurationError(
            f"The certificate {certificate} cannot be read: {error.strerror}.",
            hint="Check the path and the permissions of the file.",
        ) from error
    except ValueError as error:
        raise ConfigurationError(
            f"{certificate} is not a PEM certificate.",
            hint="The file must contain the server's certificate, followed by the intermediate certificates.",
        ) from error
    leaf = chain[0]
    _check_key(leaf, certificate, key)
    if now >= leaf.not_valid_after_utc:
        raise ConfigurationError(
            f"The certificate {certificate} expired on {leaf.not_valid_after_utc:%Y-%m-%d}.",
            hint="Renew the certificate, then run `lightbox reload` or start Lightbox again.",
        )
    if now < leaf.not_valid_before_utc:
        raise ConfigurationError(
            f"The certificate {certificate} is not valid before {leaf.not_valid_before_utc:%Y-%m-%d %H:%M}Z.",
            hint="Check the clock of this host.",
        )
    uncovered = [name for name in names if not covers(leaf, name)]
    if uncovered:
        raise ConfigurationError(
            f"The certificate {certificate} is not valid for: {', '.join(uncovered)}.",
            hint="Remove these from `names`, or get a certificate with them as subject alternative names.",
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
        raise ConfigurationError(
            f"The key {key} cannot be read: {error.strerror}.",
            hint="Check the path and the permissions of the file.",
        ) from error
    except TypeError as error:
        raise ConfigurationError(
            f"The key {key} is encrypted.", hint=f"To decrypt it, run `openssl pkey -in {key} -out NEW`."
        ) from error
    except ValueError as error:
        raise ConfigurationError(
            f"{key} is not a PEM private key.",
            hint="Set `tls.key` to the private key that belongs to the certificate.",
        ) from error
    if public_bytes(leaf.public_key()) != public_bytes(private.public_key()):
        raise ConfigurationError(
            f"The key {key} does not belong to the certificate {certificate}.",
            hint="The server's own certificate must be the first one in the file.",
        )


def public_bytes(key: PublicKeyTypes) -> bytes:
    """Returns the key in a form that can be compared."""
    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def general_name(name: str) -> x509.GeneralName:
    """Returns a host name or an IP address as an entry of the subject alternative names."""
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def alternative_names(certificate: x509.Certificate) -> list[str]:
    """Returns the host names and addresses for which the certificate is valid."""
    try:
        found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return []
    addresses = found.get_values_for_type(x509.IPAddress)
    return [*found.get_values_for_type(x509.DNSName), *(str(address) for address in addresses)]


def covers(certificate: x509.Certificate, name: str) -> bool:
    """Returns whether the certificate is valid for this host name or IP address."""
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
