from __future__ import annotations

from pathlib import Path

from display_server.broker.container_processes import container_processes


def process(proc: Path, pid: int, cgroup: str, pids: str) -> None:
    (proc / str(pid)).mkdir(parents=True)
    (proc / str(pid) / "cgroup").write_text(cgroup)
    (proc / str(pid) / "status").write_text(f"Name:\tx\nNSpid:\t{pids}\nSeccomp:\t2\n")


def test_finds_processes_of_containers_with_both_versions_of_cgroups(tmp_path: Path) -> None:
    process(tmp_path, 100, "9:pids:/lightbox/abc\n2:cpu:/lightbox/abc\n", "100\t1")
    process(tmp_path, 101, "0::/lightbox/abc\n", "101\t8")
    process(tmp_path, 102, "0::/docker/x/lightbox/def/container\n", "102\t8\t2")
    process(tmp_path, 103, "0::/user.slice\n", "103")
    process(tmp_path, 104, "0::/lightbox/abc\n", "104")  # not in a namespace of pids
    (tmp_path / "self").mkdir()
    (tmp_path / "105").mkdir()  # it has ended
    assert container_processes(tmp_path) == {"abc": {1: 100, 8: 101}, "def": {8: 102}}
