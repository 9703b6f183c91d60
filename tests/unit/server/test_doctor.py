"""What stops a start, and what the message says."""

from __future__ import annotations

import ipaddress
import shutil
from pathlib import Path

import pytest

from display_server.config import Config, DesktopConfig, IsolationConfig
from display_server.errors import ConfigurationError
from display_server.server import doctor
from display_server.spawner.host import HostFact

WITHOUT = IsolationConfig(enabled=False)
RUNTIME = HostFact("container runtime", False, "missing", "apt install crun", ("crun",))
INIT = HostFact("init of containers", False, "missing", "apt install catatonit", ("catatonit",))
ROOT = HostFact("root", False, "user 1000", "Start Lightbox as root.")
KERNEL = HostFact("user namespaces", False, "the kernel has none", "Set the sysctl.")


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Config:
    """A host that has everything but isolation."""
    (tmp_path / "index.html").write_text("<!doctype html>")
    monkeypatch.setattr(doctor, "is_built", lambda _: True)
    monkeypatch.setattr(doctor, "_programs", lambda: iter(()))
    monkeypatch.setattr(doctor, "examine_network", lambda *_, **__: [])
    return Config(state=tmp_path, web_client=tmp_path)


def refusal(config: Config, monkeypatch: pytest.MonkeyPatch, *facts: HostFact) -> ConfigurationError:
    monkeypatch.setattr(doctor, "examine_host", lambda *_: list(facts))
    with pytest.raises(ConfigurationError) as refused:
        doctor.require_mandatory(config, "/opt/lightbox/bin/lightbox demo --port 9443")
    assert "--no-isolation" in refused.value.hint
    assert "lightbox doctor" in refused.value.hint
    return refused.value


def test_missing_packages_are_named_with_their_command(
    config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    error = refusal(config, monkeypatch, RUNTIME, INIT)
    assert "isolation: container runtime (missing)" in error.cause
    assert "apt install --no-install-recommends crun catatonit" in error.hint


@pytest.mark.parametrize("sudo", [True, False])
def test_a_person_without_root_reads_what_to_type(
    config: Config, monkeypatch: pytest.MonkeyPatch, sudo: bool
) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: f"/usr/bin/{name}" if sudo else None)
    error = refusal(config, monkeypatch, ROOT)
    prefix = "sudo" if sudo else "As root:"
    assert f"{prefix} /opt/lightbox/bin/lightbox demo --port 9443" in error.hint


def test_what_the_kernel_lacks_is_said(config: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    error = refusal(config, monkeypatch, KERNEL)
    assert "the kernel has none" in error.cause
    assert "Set the sysctl." in error.hint


def test_without_isolation_nothing_of_it_is_needed(config: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "examine_host", lambda *_: [RUNTIME, ROOT])
    config = Config(state=config.state, web_client=config.web_client, isolation=WITHOUT)
    doctor.require_mandatory(config, "lightbox")
    advice = [finding for finding in doctor.examine(config, config.state) if "isolation" in finding.name]
    assert [(finding.ok, finding.mandatory) for finding in advice] == [(False, False)] * 3


@pytest.mark.parametrize(
    ("network", "ipv6"), [([], False), (["10.2.0.5:104", "emr:443"], False), (["[2001:db8::/64]:443"], True)]
)
def test_what_networks_of_desktops_need_is_advice(
    config: Config, monkeypatch: pytest.MonkeyPatch, network: list[str], ipv6: bool
) -> None:
    """Only desktops with a list do not start without it."""
    asked: list[tuple[str, bool]] = []

    def examine(own_range: ipaddress.IPv4Network, *, ipv6: bool) -> list[HostFact]:
        asked.append((str(own_range), ipv6))
        return [HostFact("nft", False, "missing", "apt install nftables", ("nftables",))]

    monkeypatch.setattr(doctor, "examine_host", lambda *_: [])
    monkeypatch.setattr(doctor, "examine_network", examine)
    desktop = DesktopConfig(name="a", profile="blank", network=network)
    config = Config(state=config.state, web_client=config.web_client, desktops=[desktop])
    doctor.require_mandatory(config, "lightbox")
    [finding] = [item for item in doctor.examine(config, config.state) if "network of" in item.name]
    assert (finding.ok, finding.mandatory, finding.packages) == (False, False, ("nftables",))
    assert asked == [("100.127.0.0/16", ipv6)]
