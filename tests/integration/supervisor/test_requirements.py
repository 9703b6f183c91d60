"""The check of what desktops need on this host, and the command that installs it."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterable
from pathlib import Path

import pytest

from display_server.config import Config
from display_server.errors import ConfigurationError
from display_server.server import doctor
from display_server.supervisor.requirements import PARTS, check, toolbar_icons

SETUP = Path(__file__).parents[3] / "deploy" / "setup.sh"


def hide_programs(monkeypatch: pytest.MonkeyPatch, names: Iterable[str]) -> None:
    """Lets the host appear without these programs."""
    found, hidden = shutil.which, frozenset(names)
    monkeypatch.setattr(
        "display_server.supervisor.requirements.shutil.which",
        lambda name, path=None: None if name in hidden else found(name, path=path),
    )


def packages_of_setup() -> set[str]:
    """Returns the Debian packages that `make setup` installs."""
    text = SETUP.read_text()
    block = re.search(r"^run_packages=\(\n(.*?)^\)", text, re.MULTILINE | re.DOTALL)
    assert block is not None
    added = re.findall(r"run_packages\+=\((.*)\)", text)
    return set(" ".join([block.group(1), *added]).split())


def test_a_missing_program_names_its_package_and_its_profiles(monkeypatch: pytest.MonkeyPatch) -> None:
    hide_programs(monkeypatch, ("tint2", "Xvfb"))
    listed = {requirement.name: requirement for requirement in check()}
    assert not listed["tint2"].ok
    assert not listed["tint2"].mandatory
    assert "office" in listed["tint2"].found
    assert listed["tint2"].hint == "apt-get install tint2"
    assert listed["Xvfb"].mandatory
    assert not listed["Xvfb"].ok
    assert listed["xkbcomp"].ok


def test_a_host_without_anything_lacks_every_part(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("display_server.supervisor.requirements.ROOT", tmp_path)
    listed = {requirement.name: requirement for requirement in check()}
    for name, pattern, package in PARTS:
        assert not listed[name].ok
        assert listed[name].packages == (package,)
        file = tmp_path / pattern.replace("*", "x").replace("?", "x")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch()
    listed = {requirement.name: requirement for requirement in check()}
    assert all(listed[name].ok for name, _, _ in PARTS)


@pytest.mark.parametrize(
    ("release", "package"),
    [
        ({"ID": "debian", "VERSION_ID": "12"}, "adwaita-icon-theme"),
        ({"ID": "debian", "VERSION_ID": "13"}, "adwaita-icon-theme-legacy"),
        ({"ID": "debian"}, "adwaita-icon-theme-legacy"),  # testing
    ],
)
def test_icons_of_toolbars_are_in_a_package_of_the_release(release: dict[str, str], package: str) -> None:
    assert toolbar_icons(release) == package


def test_setup_installs_every_package_that_the_doctor_names() -> None:
    named = {package for requirement in check() for package in requirement.packages}
    assert named - packages_of_setup() <= {"lightbox"}  # which stands for the product's own programs


def test_one_command_installs_all_missing_packages(monkeypatch: pytest.MonkeyPatch) -> None:
    hide_programs(monkeypatch, ("tint2", "Xvfb", "pcmanfm"))
    findings = doctor.examine(Config(), Path("/nonexistent"))
    monkeypatch.setattr("display_server.server.doctor.os.geteuid", lambda: 0)
    command = doctor.install_command(findings)
    assert command.startswith("apt install --no-install-recommends ")
    assert sorted(command.split()[3:]) == ["pcmanfm", "tint2", "xvfb"]
    monkeypatch.setattr("display_server.server.doctor.os.geteuid", lambda: 1000)
    assert doctor.install_command(findings) == f"sudo {command}"
    assert doctor.install_command([finding for finding in findings if finding.ok]) == ""


def test_a_refused_start_names_the_command(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "index.html").touch()
    hide_programs(monkeypatch, ("tint2", "Xvfb"))
    with pytest.raises(ConfigurationError) as refused:
        doctor.require_mandatory(Config(web_client=tmp_path), "lightbox demo")
    (command,) = re.findall(r"apt install .*", str(refused.value))
    assert {"xvfb", "tint2"} <= set(command.split())
