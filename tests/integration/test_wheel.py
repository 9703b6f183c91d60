"""The wheel: it contains all that is compiled, and asks for no distribution that anyone could register."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import zipfile
from email.parser import Parser
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
#: The minor version of glibc 2 that the wheel's tag promises to be enough.
GLIBC_MINOR = 17


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    """The wheel of this tree, built as `make dist` does but outside of the tree."""
    folder = tmp_path_factory.mktemp("wheel")
    settings = folder / "settings.cfg"
    settings.write_text(f"[build]\nbuild_base = {folder / 'build'}\n")
    subprocess.run(
        [
            *(sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation"),
            *("--wheel-dir", str(folder), str(ROOT)),
        ],
        env={**os.environ, "DIST_EXTRA_CONFIG": str(settings)},
        check=True,
    )
    (file,) = folder.glob("*.whl")
    assert re.fullmatch(r"lightbox_desktops-[\d.]+-py3-none-manylinux_2_17_\w+\.whl", file.name)
    return zipfile.ZipFile(file)


@pytest.mark.nightly
@pytest.mark.parametrize(
    "pattern",
    [
        r"display_server/web_client/index\.html",
        r"display_server/web_client/assets/.*\.wasm",
        r"display_server/web_client/assets/.*\.js",
        r"display_server/desktop/x11/native/outputs\.so",
        r"display_server/desktop/profiles/radiology\.toml",
        r"display_codecs/display_codecs-v\d\.so",
        r"display_codecs/native\.py",
        r"lightbox_desktops-[\d.]+\.dist-info/licenses/LICENSE",
    ],
)
def test_contains_what_a_host_without_compiler_needs(wheel: zipfile.ZipFile, pattern: str) -> None:
    assert any(re.fullmatch(pattern, name) for name in wheel.namelist())


@pytest.mark.nightly
def test_contains_only_the_two_packages(wheel: zipfile.ZipFile) -> None:
    roots = {name.split("/")[0] for name in wheel.namelist()}
    assert {name for name in roots if not name.endswith(".dist-info")} == {"display_server", "display_codecs"}


@pytest.mark.nightly
def test_asks_for_nothing_that_is_ours(wheel: zipfile.ZipFile) -> None:
    (name,) = (name for name in wheel.namelist() if name.endswith("/METADATA"))
    wanted = Parser().parsestr(wheel.read(name).decode()).get_all("Requires-Dist") or []
    assert not [requirement for requirement in wanted if re.match(r"(lightbox|display)[-_]?", requirement)]


@pytest.mark.nightly
def test_libraries_run_with_the_c_library_of_the_tag(wheel: zipfile.ZipFile) -> None:
    libraries = [name for name in wheel.namelist() if name.endswith(".so")]
    assert len(libraries) >= 2
    for name in libraries:
        versions = [int(minor) for minor in re.findall(rb"GLIBC_2\.(\d+)", wheel.read(name))]
        assert max(versions, default=0) <= GLIBC_MINOR, name
