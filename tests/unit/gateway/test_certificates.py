"""The local certificate authority, and the checks of the operator's certificate."""

from __future__ import annotations

import datetime
import ipaddress
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID

from display_server.authority.authority import LEAF_DAYS, provide_certificate
from display_server.errors import ConfigurationError
from display_server.gateway.certificate import check_operator_certificate, covers
from display_server.gateway.local_certificate import RENEW_DAYS
from display_server.gateway.tls_exchange import tls_context

NOW = datetime.datetime(2026, 3, 1, 12, tzinfo=datetime.UTC)
DAY = datetime.timedelta(days=1)
NAMES = ["localhost", "127.0.0.1", "::1", "lightbox.hospital.example"]


def leaf_of(folder: Path) -> x509.Certificate:
    return x509.load_pem_x509_certificate((folder / "server.crt").read_bytes())


def test_the_certificates_meet_the_requirements_of_tablets(tmp_path: Path) -> None:
    local = provide_certificate(tmp_path, NAMES, NOW)
    root, leaf = x509.load_pem_x509_certificate(local.root_pem), leaf_of(tmp_path)
    leaf.verify_directly_issued_by(root)
    assert isinstance(leaf.public_key(), ec.EllipticCurvePublicKey)
    assert leaf.not_valid_after_utc - leaf.not_valid_before_utc <= LEAF_DAYS * DAY
    purposes = leaf.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert list(purposes) == [ExtendedKeyUsageOID.SERVER_AUTH]
    alternatives = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert ipaddress.ip_address("::1") in alternatives.get_values_for_type(x509.IPAddress)
    assert all(covers(leaf, name) for name in NAMES)
    assert not covers(leaf, "hospital.example")
    constraints = root.extensions.get_extension_for_class(x509.BasicConstraints).value
    assert (constraints.ca, constraints.path_length) == (True, 0)
    assert root.not_valid_after_utc - NOW > 3650 * DAY
    for file in ("ca.key", "server.key"):
        assert (tmp_path / file).stat().st_mode & 0o777 == 0o600
    tls_context(local.certificate.read_bytes(), local.key.read_bytes())


def test_keeps_a_valid_certificate(tmp_path: Path) -> None:
    first = provide_certificate(tmp_path, NAMES, NOW)
    before = leaf_of(tmp_path)
    again = provide_certificate(tmp_path, NAMES[:2], NOW + 30 * DAY)
    assert leaf_of(tmp_path) == before
    assert again.root_sha256 == first.root_sha256


def test_renews_the_certificate_before_it_expires_and_for_new_names(tmp_path: Path) -> None:
    networks = [ipaddress.ip_network("10.0.0.0/24")]
    first = provide_certificate(tmp_path, [*NAMES, "10.0.0.5"], NOW, networks=networks)
    before = leaf_of(tmp_path)
    provide_certificate(tmp_path, [*NAMES, "10.0.0.7"], NOW)
    assert covers(leaf_of(tmp_path), "10.0.0.7")
    late = NOW + (LEAF_DAYS - RENEW_DAYS + 1) * DAY
    again = provide_certificate(tmp_path, NAMES, late)
    assert leaf_of(tmp_path).not_valid_after_utc > before.not_valid_after_utc
    assert again.root_sha256 == first.root_sha256


def test_replaces_a_damaged_server_certificate_but_not_a_damaged_root(tmp_path: Path) -> None:
    provide_certificate(tmp_path, NAMES, NOW)
    (tmp_path / "server.crt").write_text("nonsense")
    provide_certificate(tmp_path, NAMES, NOW)
    leaf_of(tmp_path)
    (tmp_path / "ca.crt").write_text("nonsense")
    with pytest.raises(ConfigurationError, match="damaged"):
        provide_certificate(tmp_path, NAMES, NOW)
    (tmp_path / "ca.crt").unlink()
    with pytest.raises(ConfigurationError, match="one is missing"):
        provide_certificate(tmp_path, NAMES, NOW)


def test_rejects_a_root_key_that_does_not_match(tmp_path: Path) -> None:
    provide_certificate(tmp_path, NAMES, NOW)
    other = tmp_path / "other"
    other.mkdir()
    provide_certificate(other, NAMES, NOW)
    (other / "ca.key").replace(tmp_path / "ca.key")
    with pytest.raises(ConfigurationError, match="does not belong"):
        provide_certificate(tmp_path, NAMES, NOW)


class TestOperatorCertificate:
    @pytest.fixture
    def files(self, tmp_path: Path) -> tuple[Path, Path]:
        local = provide_certificate(tmp_path, NAMES, NOW)
        return local.certificate, local.key

    def test_accepts_a_valid_certificate(self, files: tuple[Path, Path]) -> None:
        check_operator_certificate(*files, ["lightbox.hospital.example"], NOW)

    @pytest.mark.parametrize(("shift", "message"), [(500 * DAY, "expired"), (-2 * DAY, "not valid before")])
    def test_rejects_a_certificate_outside_its_validity(
        self, files: tuple[Path, Path], shift: datetime.timedelta, message: str
    ) -> None:
        with pytest.raises(ConfigurationError, match=message):
            check_operator_certificate(*files, [], NOW + shift)

    def test_rejects_a_certificate_without_the_configured_name(self, files: tuple[Path, Path]) -> None:
        with pytest.raises(ConfigurationError, match=r"is not valid for: other\.example"):
            check_operator_certificate(*files, ["other.example"], NOW)

    def test_rejects_the_key_of_another_certificate(self, files: tuple[Path, Path], tmp_path: Path) -> None:
        with pytest.raises(ConfigurationError, match="does not belong"):
            check_operator_certificate(files[0], tmp_path / "ca.key", [], NOW)

    def test_rejects_a_key_that_everybody_can_read(self, files: tuple[Path, Path]) -> None:
        files[1].chmod(0o644)
        with pytest.raises(ConfigurationError, match="chmod 600"):
            check_operator_certificate(*files, [], NOW)

    def test_rejects_files_of_another_kind(self, files: tuple[Path, Path], tmp_path: Path) -> None:
        nonsense = tmp_path / "nonsense"
        nonsense.write_text("nonsense")
        nonsense.chmod(0o600)
        with pytest.raises(ConfigurationError, match="not a PEM private key"):
            check_operator_certificate(files[0], nonsense, [], NOW)
        with pytest.raises(ConfigurationError, match="not a PEM certificate"):
            check_operator_certificate(nonsense, files[1], [], NOW)

    def test_rejects_missing_files(self, files: tuple[Path, Path], tmp_path: Path) -> None:
        with pytest.raises(ConfigurationError, match="cannot be read"):
            check_operator_certificate(tmp_path / "none", files[1], [], NOW)
        with pytest.raises(ConfigurationError, match="cannot be read"):
            check_operator_certificate(files[0], tmp_path / "none", [], NOW)
