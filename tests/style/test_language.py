"""Checks code and documents against the list of words and phrases that Lightbox does not use."""

from __future__ import annotations

import functools
import io
import re
import subprocess
import tokenize
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
WORDS = tomllib.loads(Path(__file__).with_name("words.toml").read_text())
CODE = frozenset({".py", ".ts", ".c", ".h", ".js"})
PROSE = CODE | {".md", ".toml", ".sh", ".css", ".html"}
#: History and measured results keep the words that they were written with; the list itself names them all.
EXCLUDED = re.compile(
    r"CHANGELOG\.md$|benchmarks/results/|benchmarks/bars\.toml$|package-lock\.json$|tests/style/|tests/vectors/"
)
IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
PART = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
#: Comments and string literals of C and TypeScript.
NOT_CODE = re.compile(
    r"//[^\n]*|/\*.*?\*/|\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])*'|`(?:\\.|[^`\\])*`", re.DOTALL
)


@functools.cache
def text_of(name: str) -> str:
    return (ROOT / name).read_text()


@functools.cache
def tracked(suffixes: frozenset[str]) -> list[str]:
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    names = sorted(set(listed.stdout.splitlines()))
    return [
        name
        for name in names
        if Path(name).suffix in suffixes and not EXCLUDED.search(name) and (ROOT / name).is_file()
    ]


def identifiers(name: str, text: str) -> Iterator[tuple[int, str]]:
    """Yields the line and the name of each identifier outside of comments and strings."""
    if name.endswith(".py"):
        for token in tokenize.generate_tokens(io.StringIO(text).readline):
            if token.type == tokenize.NAME:
                yield token.start[0], token.string
        return
    code = NOT_CODE.sub(lambda match: re.sub(r"[^\n]", " ", match.group()), text)
    for number, line in enumerate(code.splitlines(), 1):
        for match in IDENTIFIER.finditer(line):
            yield number, match.group()


def test_no_private_word_in_identifiers() -> None:
    forbidden: dict[str, str] = WORDS["identifiers"]
    allowed = frozenset(WORDS["allowed_identifiers"]["names"])

    @functools.cache
    def advice(word: str) -> str | None:
        if word in allowed:
            return None
        return next(
            (forbidden[part] for part in map(str.lower, PART.findall(word)) if part in forbidden), None
        )

    found = [
        f"{name}:{line}: {identifier} (write: {advice(identifier)})"
        for name in tracked(CODE)
        if any(map(advice, IDENTIFIER.findall(text_of(name))))  # most files need not be divided into tokens
        for line, identifier in identifiers(name, text_of(name))
        if advice(identifier)
    ]
    assert not found, "\n" + "\n".join(found)


def test_no_private_word_in_file_names() -> None:
    forbidden = WORDS["identifiers"]
    found = [
        name for name in tracked(PROSE) for part in PART.findall(Path(name).stem) if part.lower() in forbidden
    ]
    assert not found, "\n" + "\n".join(found)


@pytest.mark.parametrize(("phrase", "instead"), WORDS["phrases"].items())
def test_no_listed_phrase(phrase: str, instead: str) -> None:
    pattern = re.compile(phrase, re.IGNORECASE)
    found = [
        f"{name}:{number}: {line.strip()[:120]} (write: {instead})"
        for name in tracked(PROSE)
        if pattern.search(text_of(name))
        for number, line in enumerate(text_of(name).splitlines(), 1)
        if pattern.search(line)
    ]
    assert not found, "\n" + "\n".join(found)
