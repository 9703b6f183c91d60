r"""The names that people type to sign in: `user`, `DOMAIN\user` and `user@domain`. Pure."""

from __future__ import annotations

from collections.abc import Set


def account_name(typed: str, domains: Set[str]) -> str:
    r"""Returns the username of the account that is meant, in lower case.

    A domain is removed if it is one of `domains`, which are in lower case. Any other stays, so that the
    result is the name of no account of the directory: `OTHER\kim` and `kim@other` must never sign in the kim
    of this hospital.
    """
    name = typed.strip().lower()
    domain, separator, user = name.partition("\\")
    if separator and domain in domains:
        return user
    user, separator, domain = name.rpartition("@")
    if separator and domain in domains:
        return user
    return name
