"""The tables of the broker's database. Times are in seconds since the epoch, UTC.

A module per topic. Every module has to be imported here, because the migrations and their tests know only the
tables of `Base.metadata`. `migrations/__init__.py` says how to add a table or a column.
"""

from display_server.broker.tables.audit import AuditCheckpoint, AuditHead, AuditRow
from display_server.broker.tables.badges import Badge
from display_server.broker.tables.base import Base
from display_server.broker.tables.desktops import (
    Desktop,
    DesktopIds,
    Entitlement,
    Lease,
    PoolAssignment,
    PoolState,
    Removal,
    Session,
)
from display_server.broker.tables.devices import DeviceEnrolment, EnrolledDevice
from display_server.broker.tables.directory import DirectoryAccount
from display_server.broker.tables.display_checks import DisplayCheck
from display_server.broker.tables.oidc import ProviderAccount, ProviderSession, ProviderSignIn
from display_server.broker.tables.people import (
    Account,
    AccountEvent,
    AccountOrigin,
    Group,
    GroupMember,
    GroupNesting,
    KnownDevice,
    RoleAssignment,
    WebSession,
)
from display_server.broker.tables.policies import PolicyRow
from display_server.broker.tables.second_factor import (
    FactorCeremony,
    Passkey,
    PendingSignIn,
    RecoveryCode,
    TotpSecret,
)
from display_server.broker.tables.tokens import ApiToken

__all__ = [
    "Account",
    "AccountEvent",
    "AccountOrigin",
    "ApiToken",
    "AuditCheckpoint",
    "AuditHead",
    "AuditRow",
    "Badge",
    "Base",
    "Desktop",
    "DesktopIds",
    "DeviceEnrolment",
    "DirectoryAccount",
    "DisplayCheck",
    "EnrolledDevice",
    "Entitlement",
    "FactorCeremony",
    "Group",
    "GroupMember",
    "GroupNesting",
    "KnownDevice",
    "Lease",
    "Passkey",
    "PendingSignIn",
    "PolicyRow",
    "PoolAssignment",
    "PoolState",
    "ProviderAccount",
    "ProviderSession",
    "ProviderSignIn",
    "RecoveryCode",
    "Removal",
    "RoleAssignment",
    "Session",
    "TotpSecret",
    "WebSession",
]
