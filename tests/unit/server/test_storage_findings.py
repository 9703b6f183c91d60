"""What `lightbox doctor` says about the limit of homes and about swap."""

from __future__ import annotations

from pathlib import Path

import pytest

from display_server.config import IsolationConfig
from display_server.errors import ConfigurationError
from display_server.server import storage_findings
from display_server.server.isolation import limits_of
from display_server.server.storage_findings import home_limit, is_encrypted, lies_on_btrfs, swap

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
    fact = home_limit(IsolationConfig(), on_btrfs=False)
    assert (fact.ok, fact.needed) == (False, False)
    assert "isolation.home_gb" in fact.hint


def test_a_limit_needs_the_tools_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(storage_findings, "SEARCH_PATH", "/nonexistent")
    fact = home_limit(IsolationConfig(home_gb=20), on_btrfs=False)
    assert (fact.ok, fact.needed, fact.packages) == (False, True, ("e2fsprogs",))


def test_images_need_loop_devices_and_btrfs_needs_none_of_this(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(storage_findings, "LOOP_CONTROL", tmp_path / "none")
    limited = IsolationConfig(home_gb=20)
    fact = home_limit(limited, on_btrfs=False)
    assert (fact.ok, fact.found) == (False, "this host has no loop devices")
    monkeypatch.setattr(storage_findings, "SEARCH_PATH", "/nonexistent")
    fact = home_limit(limited, on_btrfs=True)
    assert (fact.ok, fact.found) == (True, "20 GiB each, by quota groups of btrfs")


def test_homes_lie_where_they_will_be_created(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    examined: list[str] = []

    def is_btrfs(folder: int) -> bool:
        examined.append(str(Path(f"/proc/self/fd/{folder}").readlink()))
        return True

    monkeypatch.setattr(storage_findings, "is_btrfs", is_btrfs)
    assert lies_on_btrfs(tmp_path)
    assert lies_on_btrfs(tmp_path / "state" / "homes")
    assert examined == [str(tmp_path)] * 2


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
