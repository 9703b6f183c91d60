"""Identifies the source tree that a run measures, so that results can name their commit."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True, slots=True)
class Tree:
    """`commit` is an abbreviated hash, or "" if it is unknown. `clean` is False if files differ from it."""

    commit: str = ""
    clean: bool = False

    @property
    def described(self) -> str:
        """The commit with a plus if the tree was not clean, or "?"."""
        if not self.commit:
            return "?"
        return self.commit if self.clean else f"{self.commit}+"


def parse_described(text: str) -> Tree:
    """Reverses `Tree.described`."""
    commit = text.rstrip("+?")
    return Tree(commit, clean=bool(commit) and not text.endswith("+"))


def measured_tree(root: Path = ROOT) -> Tree:
    """Asks git for the commit, and whether the tree has changes, also in files that git does not know yet."""
    commit = _git(root, "rev-parse", "--short", "HEAD")
    if not commit:
        return Tree()
    return Tree(commit, clean=_git(root, "status", "--porcelain") == "")


def _git(root: Path, *arguments: str) -> str | None:
    """Returns the output of git, or None if git fails."""
    done = subprocess.run(["git", "-C", str(root), *arguments], capture_output=True, text=True, check=False)
    return done.stdout.strip() if done.returncode == 0 else None
