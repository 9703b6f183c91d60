"""Checks that dependencies are declared and locked, and that the files which list them agree."""

from __future__ import annotations

import ast
import functools
import importlib.metadata
import re
import sys
import tomllib
from collections.abc import Iterable
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from display_server import __version__
from tests.style.statements import statements
from tests.style.test_language import tracked

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
LOCKS = ROOT / "deploy" / "locks"
#: Packages of this repository, and of Debian, which no virtual environment has.
NOT_FROM_PYPI = frozenset({"display_server", "display_codecs", "benchmarks", "tests", "gi", "PyQt5"})
#: A pinned distribution of a lock, with its marker and its hashes.
PIN = re.compile(
    r"([A-Za-z0-9][\w.-]*)==(\S+)(?: ; ([^\\\n]+?))?((?: \\\n    --hash=sha256:[0-9a-f]{64})+)\n"
)


@functools.cache
def pins(lock: str) -> dict[str, Version]:
    """Returns the versions of a lock by name. Fails if it contains anything but pins with hashes."""
    text = "".join(
        line for line in (LOCKS / f"{lock}.txt").read_text().splitlines(keepends=True) if line[0] != "#"
    )
    assert PIN.sub("", text) == "", "a lock has only pins with hashes, and no address"
    found = [(canonicalize_name(match[1]), Version(match[2])) for match in PIN.finditer(text)]
    assert len(dict(found)) == len(found), "one version serves every Python"
    return dict(found)


def declared(*, extras: Iterable[str] = (), groups: Iterable[str] = ()) -> list[Requirement]:
    project = PROJECT["project"]
    listed = [
        project["dependencies"],
        *(project["optional-dependencies"][extra] for extra in extras),
        *(PROJECT["dependency-groups"][group] for group in groups),
    ]
    return [Requirement(text) for texts in listed for text in texts]


def imported(folders: tuple[str, ...]) -> set[str]:
    """Returns the distributions that the files below these folders import."""
    modules: set[str] = set()
    for name in tracked(frozenset({".py"})):
        if name.startswith(folders):
            for node in statements(ast.parse((ROOT / name).read_text())):
                if isinstance(node, ast.Import):
                    modules |= {alias.name.split(".")[0] for alias in node.names}
                elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                    modules.add(node.module.split(".")[0])
    modules -= NOT_FROM_PYPI | sys.stdlib_module_names
    owners = importlib.metadata.packages_distributions()
    missing = sorted(module for module in modules if module not in owners)
    assert not missing, f"not installed: {missing}"
    return {canonicalize_name(owner) for module in modules for owner in owners[module][:1]}


def names(requirements: Iterable[Requirement]) -> set[str]:
    return {canonicalize_name(requirement.name) for requirement in requirements}


def test_the_product_declares_what_it_imports() -> None:
    assert imported(("display_server/", "codecs/src/")) - names(declared(extras=["motion"])) == set()


def test_tests_and_benchmarks_declare_what_they_import() -> None:
    known = names(declared(extras=["motion"], groups=["build", "bench", "dev"]))
    assert imported(("tests/", "benchmarks/")) - known == set()


@pytest.mark.parametrize("name", ["aioice", "aiortc", "av", "uvicorn"])
def test_what_is_subclassed_in_private_parts_is_pinned_to_its_minor_version(name: str) -> None:
    (requirement,) = (found for found in declared(extras=["motion"]) if found.name == name)
    (pin,) = (pins("motion")[name],)
    major, minor = pin.release[:2]
    assert Version(f"{major}.{minor}.999") in requirement.specifier
    assert Version(f"{major}.{minor + 1}") not in requirement.specifier


@pytest.mark.parametrize(
    ("lock", "requirements"),
    [
        ("run", declared()),
        ("motion", declared(extras=["motion"])),
        ("build", [Requirement(text) for text in PROJECT["dependency-groups"]["build"]]),
        ("build", [Requirement(text) for text in PROJECT["build-system"]["requires"]]),
        ("dev", declared(extras=["motion"], groups=["build", "bench", "dev"])),
    ],
)
def test_the_locks_satisfy_what_is_declared(lock: str, requirements: list[Requirement]) -> None:
    locked = pins(lock)
    wrong = [
        str(requirement)
        for requirement in requirements
        if locked.get(canonicalize_name(requirement.name), Version("0")) not in requirement.specifier
    ]
    assert not wrong, "run `make lock`"


def test_a_package_has_the_same_version_in_all_locks() -> None:
    for smaller, larger in (("run", "motion"), ("motion", "dev"), ("build", "dev")):
        assert pins(smaller).items() <= pins(larger).items()


def test_no_part_under_the_gpl_is_in_the_lock_of_the_plain_product() -> None:
    assert "av" not in pins("run")


def test_pytest_and_its_plugin_for_parallel_workers_fit() -> None:
    assert pins("dev")["pytest"] < Version("9.2") or pins("dev")["pytest-xdist"] >= Version("3.9")


def test_the_changelog_has_a_section_for_this_version() -> None:
    assert f"\n## {__version__}\n" in (ROOT / "CHANGELOG.md").read_text()
    assert importlib.metadata.version(PROJECT["project"]["name"]) == __version__


def test_the_container_has_the_packages_of_setup() -> None:
    setup = re.search(r"^run_packages=\(\n(.*?)^\)", (ROOT / "deploy/setup.sh").read_text(), re.M | re.S)
    container = re.search(
        r"--no-install-recommends \\\n(.*?)\n    &&", (ROOT / "deploy/Containerfile").read_text(), re.S
    )
    assert setup is not None
    assert container is not None
    # Both add what only Debian 13 has.
    assert "|| echo adwaita-icon-theme-legacy)" in container.group(1)
    packages = re.sub(r"\$\(.*\)", "", container.group(1)).replace("\\", "").split()
    assert set(packages) == set(setup.group(1).split())
