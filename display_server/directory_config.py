"""The table `[directory]` of the configuration."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import msgspec

DirectoryKind = Literal["active-directory", "openldap"]


class DirectoryConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The directory whose people may sign in (docs/directory.md). Without `servers` there is none.

    Empty filters and names of attributes stand for those that are usual in directories of this `kind`.
    """

    #: One or two of the same content: `ldaps://HOST[:PORT]`, `ldap://HOST[:PORT]` (always with StartTLS), or
    #: `ldapi://SOCKET` (a Unix socket, with %2F for each slash).
    servers: list[str] = []
    ca_file: Path | None = None  # None: the authorities that the host trusts
    kind: DirectoryKind = "active-directory"
    bind_dn: str = ""
    bind_password_file: Path | None = None
    people_base: str = ""
    people_filter: str = ""
    groups_base: str = ""  # empty: `people_base`
    groups_filter: str = ""
    username_attribute: str = ""
    display_name_attribute: str = ""
    id_attribute: str = ""  # never changes, and is never used again for somebody else
    group_name_attribute: str = ""
    member_attribute: str = ""
    #: Whether members of a group that is a member of another group belong to that one as well.
    nested_groups: bool = True
    #: What people may write before `\` or behind `@`, for example HOSPITAL and hospital.example.
    domains: list[str] = []
    page_size: int = 500
    connect_seconds: float = 3
    answer_seconds: float = 5
    connections: int = 8  # per server
    #: For so long after a right sign-in the same password is accepted while no server answers. 0: never.
    cached_sign_in_hours: float = 0
