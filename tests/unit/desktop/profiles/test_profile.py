"""The profiles that are shipped, and what a wrong one is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from display_server.desktop.profiles import profile, studies
from display_server.errors import ConfigurationError, DesktopError
from display_server.supervisor.requirements import check

GOOD = 'title = { en = "A", ko = "가" }\n'
PROGRAM = '[[programs]]\nname = "x"\ncommand = ["xterm"]\npackage = "xterm"\n'


def test_shipped_profiles() -> None:
    assert profile.names() == ["blank", "check", "office", "radiology"]
    for name in profile.names():
        profile.load(name)
    assert profile.load("blank").programs == []
    commands = [program.command[0] for program in profile.load("radiology").programs]
    assert {"openbox", "tint2", "pcmanfm", "lxterminal", "aeskulap"} <= set(commands)


@pytest.mark.parametrize("name", ["nothing", "../radiology", ""])
def test_no_such_profile(name: str) -> None:
    with pytest.raises(ConfigurationError, match="Choose one of: blank, check, office, radiology"):
        profile.load(name)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("title = {", "Invalid|Unclosed|unterminated|Expected"),
        ('title = { en = "A" }', "both en and ko"),
        (GOOD + "colour = 3", "colour"),
        (GOOD + "studies = 3", "studies"),
        (GOOD + PROGRAM.replace('["xterm"]', "[]"), "has no command"),
        (GOOD + PROGRAM + PROGRAM, "two programs"),
        (GOOD + PROGRAM + 'restart = "sometimes"', "restart"),
        (
            GOOD
            + PROGRAM
            + "window_manager = true\n"
            + PROGRAM.replace('"x"', '"y"')
            + "window_manager = true",
            "only one window manager",
        ),
        (GOOD + 'folders = ["../outside"]', "not inside the home"),
        (GOOD + 'settings = "nowhere.toml"', "nowhere.toml"),
    ],
)
def test_wrong_profile(tmp_path: Path, text: str, told: str) -> None:
    (tmp_path / "wrong.toml").write_text(text)
    with pytest.raises(ConfigurationError, match=told):
        profile.load("wrong", tmp_path)


@pytest.mark.parametrize(
    ("target", "told"), [("/etc/passwd", "not inside"), ("../x", "not inside"), ("fine", "no file 'gone'")]
)
def test_wrong_settings(tmp_path: Path, target: str, told: str) -> None:
    (tmp_path / "wrong.toml").write_text(GOOD + 'settings = "home.toml"')
    (tmp_path / "home.toml").write_text(f'[[files]]\nsource = "gone"\ntarget = "{target}"\n')
    with pytest.raises(ConfigurationError, match=told):
        profile.load("wrong", tmp_path)


def test_expand(tmp_path: Path) -> None:
    for name in ("b 1.dcm", "a.dcm", "c.txt"):
        (tmp_path / name).touch()
    command = profile.expand(["{settings}/x", "{home}/*.dcm", "{home}/*.none", "*"], tmp_path)
    assert command == [f"{profile.FOLDER}/x", f"{tmp_path}/a.dcm", f"{tmp_path}/b 1.dcm", "*"]


def test_studies_are_laid_out_once(tmp_path: Path) -> None:
    folder = studies.lay_out(tmp_path)
    files = sorted(folder.glob("*/*.dcm"))
    assert len(files) == len(studies.STUDIES)
    files[0].write_bytes(b"changed by a person")
    studies.lay_out(tmp_path)
    assert files[0].read_bytes() == b"changed by a person"


def test_studies_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)
    with pytest.raises(DesktopError, match="pip install pydicom-data"):
        studies.source_folder()


def test_requirements_name_package_and_profile(monkeypatch: pytest.MonkeyPatch) -> None:
    import shutil

    found = shutil.which
    monkeypatch.setattr(
        "display_server.supervisor.requirements.shutil.which",
        lambda name, path=None: None if name in ("aeskulap", "Xvfb") else found(name, path=path),
    )
    listed = {requirement.name: requirement for requirement in check()}
    assert not listed["aeskulap"].ok
    assert not listed["aeskulap"].mandatory
    assert "radiology" in listed["aeskulap"].found
    assert listed["aeskulap"].cure == "apt-get install aeskulap"
    assert listed["Xvfb"].mandatory
    assert not listed["Xvfb"].ok
    assert listed["xkbcomp"].ok
