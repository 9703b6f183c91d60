"""Each thing that isolation needs is missed when it is missing, and only that one."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from display_server.spawner import host, runtime
from display_server.spawner.host import HostFact, examine_host

#: The capabilities of root in `docker run` without options.
DOCKER_DEFAULT = 0xA80425FB
BASE, COUNT = 0x7000_0000, 4000

Break = Callable[[pytest.MonkeyPatch, Path], None]


@pytest.fixture(autouse=True)
def complete_host(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A host that has everything, whatever this one has."""
    cgroups = tmp_path / "cgroup"
    cgroups.mkdir()
    (cgroups / "cgroup.controllers").write_text("cpuset cpu io memory pids\n")
    files = {
        "_MAX_USER_NAMESPACES": "62000\n",
        "_UID_MAP": "         0          0 4294967295\n",
        "_STATUS": "Name:\tpython\nCapEff:\t000001ffffffffff\n",
    }
    for name, text in files.items():
        (tmp_path / name).write_text(text)
        monkeypatch.setattr(host, name, tmp_path / name)
    monkeypatch.setattr(host, "CGROUPS", cgroups)
    monkeypatch.setattr(host, "CONTAINER_MARKS", ())
    monkeypatch.delenv("container", raising=False)
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(shutil, "which", lambda name, path: f"/usr/bin/{Path(name).name}")
    monkeypatch.setattr(host, "try_container", lambda *_: "")
    monkeypatch.setattr(os, "uname", lambda: type("Name", (), {"machine": "x86_64"}))


def without(*programs: str) -> Break:
    def remove(monkeypatch: pytest.MonkeyPatch, _: Path) -> None:
        monkeypatch.setattr(
            shutil, "which", lambda name, path: None if Path(name).name in programs else f"/usr/bin/{name}"
        )

    return remove


def content(name: str, text: str) -> Break:
    def write(_: pytest.MonkeyPatch, folder: Path) -> None:
        (folder / name).write_text(text)

    return write


def missing(name: str) -> Break:
    return lambda _, folder: (folder / name).unlink()


def setting(where: object, name: str, value: object) -> Break:
    return lambda monkeypatch, _: monkeypatch.setattr(where, name, value)


def cgroups_v1(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    (folder / "cgroup/cgroup.controllers").unlink()
    for name in ("cpu", "memory", "freezer"):
        (folder / "cgroup" / name).mkdir()


BROKEN: dict[str, tuple[Break, str]] = {
    "not root": (setting(os, "geteuid", lambda: 1000), "root"),
    "a container of docker": (content("_STATUS", f"CapEff:\t{DOCKER_DEFAULT:016x}\n"), "root"),
    "no runtime": (without("crun", "runc"), "container runtime"),
    "no init": (without("catatonit"), "init of containers"),
    "no setpriv": (without("setpriv"), "setpriv"),
    "no user namespaces": (missing("_MAX_USER_NAMESPACES"), "user namespaces"),
    "no more user namespaces": (content("_MAX_USER_NAMESPACES", "0\n"), "user namespaces"),
    "v2 without pids": (content("cgroup/cgroup.controllers", "cpu memory\n"), "limits of desktops"),
    "v2 read-only": (setting(os, "access", lambda *_: False), "limits of desktops"),
    "v1 without pids": (cgroups_v1, "limits of desktops"),
    "few ids": (content("_UID_MAP", "0 100000 65536\n"), "user ids for desktops"),
    "another processor": (setting(host, "ARCHITECTURES", {}), "filter of system calls"),
    "a kernel that refuses": (
        setting(host, "try_container", lambda *_: "EPERM"),
        "container on trial",
    ),
}


def examined() -> dict[str, HostFact]:
    return {fact.name: fact for fact in examine_host(BASE, COUNT)}


def test_a_complete_host_lacks_nothing() -> None:
    facts = examined()
    assert [fact for fact in facts.values() if not fact.ok] == []
    assert "container on trial" in facts


def test_runc_does_without_crun(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    without("crun")(monkeypatch, tmp_path)
    assert examined()["container runtime"].found.endswith("runc")


@pytest.mark.parametrize("case", BROKEN)
def test_what_is_missing_is_named_with_the_next_step(
    case: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    break_host, name = BROKEN[case]
    break_host(monkeypatch, tmp_path)
    [fact] = [fact for fact in examined().values() if not fact.ok]
    assert fact.name == name
    assert fact.hint


@pytest.mark.parametrize("case", ["a container of docker", "v2 read-only", "a kernel that refuses"])
def test_a_container_of_lightbox_reads_what_it_needs(
    case: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(host, "CONTAINER_MARKS", (tmp_path,))
    BROKEN[case][0](monkeypatch, tmp_path)
    [fact] = [fact for fact in examined().values() if not fact.ok]
    assert "docker run --privileged" in fact.hint


def test_no_container_is_tried_before_everything_else_is_there(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    without("catatonit")(monkeypatch, tmp_path)
    assert "container on trial" not in examined()


def test_the_runtime_is_searched_where_distributions_install_it() -> None:
    assert runtime.choose_runtime()[-1] == "/usr/bin/crun"
