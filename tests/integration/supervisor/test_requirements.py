"""The check of what desktops need on this host."""

from __future__ import annotations

import shutil

import pytest

from display_server.supervisor.requirements import check


def test_a_missing_program_names_its_package_and_its_profiles(monkeypatch: pytest.MonkeyPatch) -> None:
    found = shutil.which
    monkeypatch.setattr(
        "display_server.supervisor.requirements.shutil.which",
        lambda name, path=None: None if name in ("aeskulap", "Xvfb") else found(name, path=path),
    )
    listed = {requirement.name: requirement for requirement in check()}
    assert not listed["aeskulap"].ok
    assert not listed["aeskulap"].mandatory
    assert "radiology" in listed["aeskulap"].found
    assert listed["aeskulap"].hint == "apt-get install aeskulap"
    assert listed["Xvfb"].mandatory
    assert not listed["Xvfb"].ok
    assert listed["xkbcomp"].ok
