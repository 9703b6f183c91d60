"""Images that need no file."""

from __future__ import annotations


class FakeImages:
    """Every profile has the versions `default`, `2` and `3`. `contents` changes what they contain."""

    def __init__(self) -> None:
        self.contents: dict[str, str] = {}
        self.forgotten = 0

    def versions(self, name: str) -> list[str]:
        return ["default", "2", "3"]

    def profile(self, name: str, version: str) -> str:
        return name if version == "default" else f"{name}@{version}"

    def fingerprint(self, name: str, version: str) -> str:
        return self.contents.get(version, "")

    def forget(self) -> None:
        self.forgotten += 1
