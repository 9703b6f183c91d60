"""What the operator reads once the server is ready."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Ready:
    """The addresses of the server, and how to sign in."""

    url: str
    other_urls: tuple[str, ...]  # under the host's other names and addresses
    username: str | None  # of the demo account; None without a demo
    password: str | None  # of the demo account; None without a demo
    root_sha256: str | None  # fingerprint of the local authority; None with the operator's certificate
    accounts: int  # how many people can sign in
