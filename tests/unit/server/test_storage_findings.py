"""What `lightbox doctor` says about the limit of homes and about swap."""

from __future__ import annotations

from pathlib import Path

import pytest

from display_server.config import IsolationConfig
from display_server.errors import ConfigurationError
from display_server.server import storage_findings
from display_server.server.isolation import limits_of
from display_server.server.storage_findings import home_limit, is_encrypted, swap

HEADING = "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n"
AREA = "/dev/dm-1                               partition\t8388604\t\t0\t\t-2\n"
FILE = "/swapfile                               file\t\t2097148\t\t0\t\t-3\n"


def test_no_swap_is_in_order() -> None:
    assert swap(HEADING, lambda _: False).found == "none"


def test_swap_that_is_not_encrypted_is_named() -> None:
    fact = swap(HEADING + AREA + FILE, lambda area: area == "/dev/dm-1")
    assert not fact.ok
    assert "/swapfile is not encrypted" in fact.found
    assert "crypttab" in fact.hint


def test_encrypted_swap_is_in_order() -> None:
    assert swap(HEADING + AREA, lambda _: True).ok


def test_knows_encryption_by_the_device_mapper(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(storage_findings, "BLOCK_DEVICES", tmp_path)
    for name, uuid in (("dm-1", "CRYPT-PLAIN-swap"), ("dm-2", "LVM-abc")):
        (tmp_path / name / "dm").mkdir(parents=True)
        (tmp_path / name / "dm" / "uuid").write_text(uuid)
    assert is_encrypted("/dev/dm-1")
    assert not is_encrypted("/dev/dm-2")
    assert is_encrypted("/dev/zram0")
    assert not is_encrypted("/swapfile")


def test_advises_a_limit_of_homes() -> None:
    fact = home_limit(IsolationConfig())
    assert (fact.ok, fact.needed) == (False, False)
    assert "isolation.home_gb" in fact.hint


def test_a_limit_needs_the_tools_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(storage_findings, "SEARCH_PATH", "/nonexistent")
    fact = home_limit(IsolationConfig(home_gb=20))
    assert (fact.ok, fact.needed, fact.packages) == (False, True, ("e2fsprogs",))


def test_the_limit_of_a_home_is_passed_on() -> None:
    assert limits_of(IsolationConfig(home_gb=20)).home_mb == 20 * 1024
    assert limits_of(IsolationConfig()).home_mb == 0


@pytest.mark.parametrize(
    ("config", "text"),
    [
        (IsolationConfig(home_gb=0.01), "home_gb"),
        (IsolationConfig(home_gb=-1), "home_mb"),
        (IsolationConfig(temporary_mb=2048, memory_mb=4096), "would leave no memory"),
    ],
)
def test_limits_that_make_no_sense_are_refused(config: IsolationConfig, text: str) -> None:
    with pytest.raises(ConfigurationError, match=text):
        limits_of(config)
