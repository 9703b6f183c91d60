"""Nothing leaves a desktop that shows patient images, unless an operator says so."""

from __future__ import annotations

from pathlib import Path

import pytest

from display_server.config import Config, load
from display_server.desktop.profiles import profile
from display_server.server.definitions import desktop_definitions
from display_server.server.demo import DemoOptions, demo_config

SHOW_IMAGES = [name for name in profile.names() if profile.load(name).studies]


def test_the_radiology_profile_shows_patient_images() -> None:
    assert SHOW_IMAGES == ["radiology"]


@pytest.mark.parametrize("name", SHOW_IMAGES)
def test_by_default_nothing_leaves_a_desktop_with_patient_images(name: str) -> None:
    policy = profile.load(name).clipboard
    assert not policy.from_desktop
    assert policy.to_desktop


def test_the_configuration_can_allow_it(tmp_path: Path) -> None:
    path = tmp_path / "lightbox.toml"
    path.write_text(
        '[[desktops]]\nname = "reading"\nprofile = "radiology"\n'
        "clipboard = { to_desktop = true, from_desktop = true, images = true }\n"
        '[[desktops]]\nname = "closed"\nprofile = "radiology"\n'
    )
    path.chmod(0o600)
    opened, closed = desktop_definitions(load(path, {}))
    assert opened.clipboard.from_desktop
    assert not closed.clipboard.from_desktop


@pytest.mark.parametrize("copy_out", [False, True])
def test_the_demo_can_allow_it(copy_out: bool) -> None:
    options = DemoOptions(
        host="127.0.0.1",
        port=0,
        profile="radiology",
        size=None,
        attach=None,
        video="adaptive",
        share=False,
        copy_out=copy_out,
    )
    config, _ = demo_config(Config(), options)
    allowed = {found.profile: found.clipboard.from_desktop for found in desktop_definitions(config)}
    assert allowed == {"radiology": copy_out, "office": True, "blank": False, "check": False}
