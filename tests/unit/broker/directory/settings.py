"""Settings of a directory that does not exist, and the people in it."""

from __future__ import annotations

from typing import Any

from display_server.broker.directory.account_state import AccountState
from display_server.broker.directory.people import Person
from display_server.broker.directory.settings import DirectorySettings
from display_server.directory_config import DirectoryConfig


def directory_settings(**values: Any) -> DirectorySettings:
    config = {
        "servers": ["ldaps://dc1.example", "ldaps://dc2.example"],
        "kind": "openldap",
        "bind_dn": "cn=service,dc=example",
        "people_base": "ou=people,dc=example",
        "domains": ["HOSPITAL", "hospital.example"],
    }
    return DirectorySettings.of(DirectoryConfig(**(config | values)), "the password of the service")


def person(username: str = "kim", **values: Any) -> Person:
    usual: dict[str, Any] = {
        "dn": f"uid={username},ou=people,dc=example",
        "username": username,
        "directory_id": f"id of {username}",
        "display_name": username.title(),
        "state": AccountState.ACTIVE,
        "locked_out": False,
        "password_changed_s": None,
    }
    return Person(**(usual | values))
