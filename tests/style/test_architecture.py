"""Checks that ARCHITECTURE.md and the documents describe the code as it is."""

from __future__ import annotations

import ast
import functools
import re
import subprocess
import tomllib
from collections import Counter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ARCHITECTURE = (ROOT / "ARCHITECTURE.md").read_text()
CONTRACTS = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]

#: An entry of a path: its number, a file and a function.
STEP = re.compile(r"^\d+\. `([^`:]+):([^`]+)`$", re.MULTILINE)
#: A source file in backticks, with a function or a section behind a colon if there is one.
SOURCE_FILE = re.compile(r"`([\w./-]+\.(?:py|ts|js|c|h|css|sh))(?::[\w.#]+)?`")
#: A module of ours that a document runs.
MODULE = re.compile(r"python -m ((?:display_server|display_codecs|benchmarks)[\w.]*)")
#: A link to a file of the repository, with an anchor if there is one.
LINK = re.compile(r"\]\((?!https?:)([^)#\s]*)(?:#([^)\s]+))?\)")
#: Guides name files that their reader creates.
GUIDES = "docs/guides/"


@functools.cache
def repository_files() -> frozenset[str]:
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return frozenset(name for name in listed.stdout.splitlines() if (ROOT / name).is_file())


def documents() -> list[str]:
    return sorted(name for name in repository_files() if name.endswith(".md"))


def has_function(path: Path, name: str) -> bool:
    """Returns whether the file defines `name`: a function, a class, or a method as `Class.method`."""
    text = path.read_text()
    owner, _, member = name.rpartition(".")
    if path.suffix == ".py":
        scope: list[ast.stmt] = ast.parse(text).body
        for part in name.split("."):
            found = [node for node in scope if getattr(node, "name", None) == part]
            if not found:
                return False
            scope = getattr(found[0], "body", [])
        return True
    if path.suffix == ".ts":
        if owner:
            match = re.search(rf"^(?:export )?class {owner}\b.*?^}}", text, re.MULTILINE | re.DOTALL)
            text = match.group() if match else ""
            return bool(re.search(rf"^  (?:(?:static|async|get|set) )*{member}\(", text, re.MULTILINE))
        return bool(re.search(rf"^(?:export )?(?:async )?function {member}\b", text, re.MULTILINE))
    return bool(re.search(rf"^[a-z].*\b{name}\(", text, re.MULTILINE))


def table_after(heading: str) -> list[list[str]]:
    """Returns the names in backticks of the first column, row by row, of the first table after a heading."""
    section = ARCHITECTURE.split(f"\n{heading}\n", 1)[1]
    rows = re.search(r"^\|.*?\n\n", section, re.MULTILINE | re.DOTALL)
    assert rows is not None, f"there is no table after {heading!r}"
    return [re.findall(r"`([^`]+)`", line.split("|")[1]) for line in rows.group().strip().splitlines()[2:]]


def anchors(name: str) -> set[str]:
    """Returns the anchors of a document's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", (ROOT / name).read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize(("file", "function"), STEP.findall(ARCHITECTURE))
def test_each_step_of_the_paths_exists(file: str, function: str) -> None:
    assert file in repository_files()
    assert has_function(ROOT / file, function), f"{file} defines no {function}"


def test_the_paths_are_numbered_without_gaps() -> None:
    for heading in ("## The path of one frame", "## The path of one click", "## Video for motion"):
        section = ARCHITECTURE.split(f"\n{heading}\n", 1)[1].split("\n## ", 1)[0]
        numbers = [int(number) for number in re.findall(r"^(\d+)\. `", section, re.MULTILINE)]
        assert numbers == list(range(1, len(numbers) + 1))
        assert len(numbers) == len(STEP.findall(section)), "an entry has the form: NUMBER. `FILE:FUNCTION`"


@pytest.mark.parametrize(
    ("heading", "container"),
    [
        ("### The product, from top to bottom", "display_server"),
        ("### Inside the agent, from top to bottom", "display_server.agent"),
        ("### Inside desktop, from top to bottom", "display_server.desktop"),
    ],
)
def test_the_package_map_equals_the_import_contracts(heading: str, container: str) -> None:
    (contract,) = [contract for contract in CONTRACTS if contract.get("containers") == [container]]
    assert contract["exhaustive"], "a package that the map does not name must be an error"
    layers = [layer.split(" | ") for layer in contract["layers"]]
    assert table_after(heading) == layers


def test_each_folder_of_the_web_client_is_named() -> None:
    section = ARCHITECTURE.split("| folder of `clients/web/src` |", 1)[1].split("\n\n", 1)[0]
    named = re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE)
    prefix = "clients/web/src/"
    folders = {
        name.removeprefix(prefix).split("/")[0] for name in repository_files() if name.startswith(prefix)
    }
    assert sorted(named) == sorted(folder for folder in folders if "." not in folder)


def test_the_glossary_defines_each_term_once() -> None:
    section = ARCHITECTURE.split("\n## Glossary\n", 1)[1].split("\n## ", 1)[0]
    rows = re.findall(r"^\| ([^|]+) \|", section, re.MULTILINE)[1:]
    terms = Counter(term for row in rows for term in row.split(", ") if not term.startswith("-"))
    assert [term for term, count in terms.items() if count > 1] == []


@pytest.mark.parametrize("document", [name for name in documents() if not name.startswith(GUIDES)])
def test_source_files_that_a_document_names_exist(document: str) -> None:
    missing = [
        file
        for file in SOURCE_FILE.findall((ROOT / document).read_text())
        if not any(name == file or name.endswith(f"/{file}") for name in repository_files())
    ]
    assert not missing


@pytest.mark.parametrize("document", documents())
def test_modules_that_a_document_runs_exist(document: str) -> None:
    missing = []
    for module in MODULE.findall((ROOT / document).read_text()):
        path = module.rstrip(".").replace(".", "/")
        files = {f"{base}{path}{end}" for base in ("", "codecs/src/") for end in (".py", "/__main__.py")}
        if not files & repository_files():
            missing.append(module)
    assert not missing


@pytest.mark.parametrize("document", documents())
def test_links_of_a_document_lead_somewhere(document: str) -> None:
    broken = []
    for target, anchor in LINK.findall((ROOT / document).read_text()):
        path = ((ROOT / document).parent / target).resolve() if target else ROOT / document
        name = str(path.relative_to(ROOT)) if path.is_relative_to(ROOT) else str(path)
        if not path.exists() or (anchor and name.endswith(".md") and anchor not in anchors(name)):
            broken.append(f"{target}#{anchor}" if anchor else target)
    assert not broken
