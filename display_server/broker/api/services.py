"""The services that the broker's HTTP interface uses. The composition root creates them."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from display_server.broker.accounts import Accounts
from display_server.broker.admission import ViewerAdmission
from display_server.broker.api.access_watch import AccessWatch
from display_server.broker.api.agent_figures import AgentFigures
from display_server.broker.api.audit_examination import AuditExamination
from display_server.broker.api.desktop_processes import DesktopProcesses
from display_server.broker.api.directory_metrics import DirectoryCollector
from display_server.broker.api.gateway_links import GatewayLinks
from display_server.broker.api.health_metrics import HealthCollector
from display_server.broker.api.lock_watch import LockWatch
from display_server.broker.api.metrics import BrokerMetrics
from display_server.broker.api.policy_watch import PolicyWatch
from display_server.broker.api.pool_metrics import PoolCollector
from display_server.broker.api.unattended_metrics import UnattendedCollector
from display_server.broker.audit.entry import Origin
from display_server.broker.audit.limited_attempts import LimitedAttempts
from display_server.broker.audit.trail import AuditTrail
from display_server.broker.authenticator import Authenticator, LocalAuthenticator
from display_server.broker.badges.badge_state import BadgeSettings
from display_server.broker.badges.badges import Badges
from display_server.broker.break_glass.break_glass import BreakGlass
from display_server.broker.busy_processes import BusyProcesses
from display_server.broker.catalogue import Catalogue
from display_server.broker.devices.device_keys import DeviceKeys
from display_server.broker.devices.enrolled_devices import EnrolledDevices
from display_server.broker.directory.directory import Directory
from display_server.broker.display_checks import DisplayChecks
from display_server.broker.known_devices import KnownDevices
from display_server.broker.launchers.launcher_watch import LauncherWatch
from display_server.broker.live_session import LiveSession
from display_server.broker.oidc.oidc import Oidc, open_oidc
from display_server.broker.oidc.settings import ProviderSettings
from display_server.broker.one_desktop import OneDesktop
from display_server.broker.orphans import Orphans
from display_server.broker.passwords import Passwords
from display_server.broker.policy.cached_sign_in import CachedSignInByPolicy
from display_server.broker.policy.policies import Policies
from display_server.broker.pools.pools import Pools
from display_server.broker.second_factor.factor_key import FactorKey
from display_server.broker.second_factor.factors import SecondFactors
from display_server.broker.second_factor.passkeys import Passkeys
from display_server.broker.second_factor.pending_sign_ins import PendingSignIns
from display_server.broker.second_factor.policy import SecondFactorSettings
from display_server.broker.session_state import SessionState
from display_server.broker.sessions import Sessions
from display_server.broker.sign_in_limiter import (
    ADDRESS_WAIT_S,
    FACTOR_WAIT_S,
    FailureCounter,
    SignInLimiter,
)
from display_server.broker.store import Store
from display_server.broker.tables import Desktop
from display_server.broker.tickets import Tickets
from display_server.broker.unattended_desktops import UnattendedDesktops
from display_server.broker.viewers import Viewers
from display_server.broker.web_sessions import WebSessions
from display_server.broker.written_messages import WrittenMessages
from display_server.broker_link.agent_address import AgentAddress


@dataclass
class BrokerServices:
    """Everything that a request can need."""

    store: Store
    audit: AuditTrail
    accounts: Accounts
    web_sessions: WebSessions
    catalogue: Catalogue
    sessions: Sessions
    pools: Pools
    orphans: Orphans
    display_checks: DisplayChecks
    metrics_token: str  # whoever knows it may read /metrics
    factor_key: FactorKey  # protects what is stored of second factors
    device_keys: DeviceKeys  # sign the cookies of enrolled devices
    passwords: Passwords  # computes the hashes of PINs
    second_factor: SecondFactorSettings = field(default_factory=SecondFactorSettings)
    badge_settings: BadgeSettings = field(default_factory=BadgeSettings)
    isolated: bool = False  # each desktop runs in a container of its own
    directory: Directory | None = None  # None: there is no directory
    audit_key: Ed25519PublicKey | None = None  # which proves checkpoints of this host
    #: Returns where checkpoints of the audit have left the host, if the configuration names a file.
    checkpoint_file: Callable[[], Path | None] = lambda: None
    launcher_watch: LauncherWatch = field(default_factory=LauncherWatch)
    providers: Sequence[ProviderSettings] = ()  # of OpenID Connect
    unattended: UnattendedDesktops = field(default_factory=UnattendedDesktops)
    busy_processes: BusyProcesses = field(default_factory=BusyProcesses)
    tickets: Tickets = field(default_factory=Tickets)
    sign_in_limiter: SignInLimiter = field(default_factory=SignInLimiter)
    #: Of wrong second factors, which only somebody can give who knows the password.
    factor_limiter: SignInLimiter = field(default_factory=lambda: SignInLimiter(account_wait_s=FACTOR_WAIT_S))
    #: Of wrong codes that would enrol a device, by network.
    enrolment_failures: FailureCounter = field(default_factory=lambda: FailureCounter(ADDRESS_WAIT_S))
    #: Of unknown badges, by device.
    badge_failures: FailureCounter = field(default_factory=lambda: FailureCounter(ADDRESS_WAIT_S))
    limited_attempts: LimitedAttempts = field(default_factory=LimitedAttempts)
    viewers: Viewers = field(default_factory=Viewers)
    written_messages: WrittenMessages = field(default_factory=WrittenMessages)
    viewers_per_person: int = 24
    monotonic_s: Callable[[], float] = time.monotonic
    gateways: GatewayLinks = field(init=False)
    lock_watch: LockWatch = field(init=False)
    access_watch: AccessWatch = field(init=False)
    policies: Policies = field(init=False)
    policy_watch: PolicyWatch = field(init=False)
    one_desktop: OneDesktop = field(init=False)
    known_devices: KnownDevices = field(init=False)
    devices: EnrolledDevices = field(init=False)
    badges: Badges = field(init=False)
    break_glass: BreakGlass = field(init=False)
    pending_sign_ins: PendingSignIns = field(init=False)
    factors: SecondFactors = field(init=False)
    passkeys: Passkeys = field(init=False)
    metrics: BrokerMetrics = field(init=False)
    agent_figures: AgentFigures = field(init=False)
    desktop_processes: DesktopProcesses = field(init=False)
    audit_examination: AuditExamination = field(init=False)
    authenticator: Authenticator = field(init=False)
    oidc: Oidc = field(init=False)

    def __post_init__(self) -> None:
        self.policies = Policies(self.store, now_s=self.web_sessions.now_s)
        self.policy_watch = PolicyWatch(
            self.policies,
            self.sessions,
            self.viewers,
            self.web_sessions,
            self.audit.close,
            monotonic_s=lambda: self.monotonic_s(),
        )
        self.one_desktop = OneDesktop(self.sessions)
        admission = ViewerAdmission(
            self.tickets,
            lambda id_hash: self.web_sessions.find_by_hash(id_hash),
            self._agent_of,
            self._runs,
            time.time,
            lambda username: self.viewers.count_of(username) < self.viewers_per_person,
            self.audit.record,
            self.policy_watch.policy_for,
        )
        self.gateways = GatewayLinks(self.viewers, admission)
        self.metrics = BrokerMetrics(self.sessions)
        self.agent_figures = AgentFigures(self.agents, lambda: self.monotonic_s())
        self.desktop_processes = DesktopProcesses(lambda: self.monotonic_s())
        self.audit_examination = AuditExamination(
            self.store, self.audit_key, lambda: self.checkpoint_file(), self.audit.now_s
        )
        self.lock_watch = LockWatch(self.web_sessions, self.viewers, self.agents, self.audit.record)
        now_s = self.web_sessions.now_s
        self.known_devices = KnownDevices(self.store, now_s=now_s)
        self.devices = EnrolledDevices(self.store, self.device_keys, now_s=now_s)
        self.break_glass = BreakGlass(self.store, now_s=now_s)
        self.badges = Badges(self.store, self.factor_key, self.passwords, now_s=now_s)
        self.pending_sign_ins = PendingSignIns(self.store, now_s=now_s)
        self.factors = SecondFactors(self.store, self.factor_key, now_s=now_s)
        self.passkeys = Passkeys(self.store, self.factor_key, now_s=now_s)
        self.oidc = open_oidc(self.providers, self.store, now_s=now_s)
        self.access_watch = AccessWatch(
            self.store,
            self.catalogue,
            self.sessions,
            self.viewers,
            self.open_desktop,
            now_s=now_s,
        )
        self.authenticator = (
            self.directory.authenticator if self.directory else LocalAuthenticator(self.accounts)
        )
        if self.directory is not None:
            self.directory.cached.policy = CachedSignInByPolicy(self.policies)
        self.metrics.add(UnattendedCollector(self.unattended, self.busy_processes))
        self.metrics.add(PoolCollector(self.pools))
        self.metrics.add(HealthCollector(self.store, self.audit, self.launcher_watch))
        if self.directory is not None:
            self.metrics.add(DirectoryCollector(self.directory))

    async def open_desktop(self, username: str, desktop: Desktop, origin: Origin) -> LiveSession:
        """Returns the person's session of a desktop once it is ready.

        Raises DesktopError, OnePersonError and StorageError.
        """
        if desktop.pool:
            return await self.pools.open(username, desktop, origin=origin)
        return await self.sessions.open(username, desktop, origin=origin)

    def _runs(self, session_id: str) -> bool:
        session = self.sessions.by_id(session_id)
        return session is not None and not session.stopping

    def _agent_of(self, session_id: str) -> AgentAddress | None:
        session = self.sessions.by_id(session_id)
        ready = session is not None and session.state is SessionState.READY and not session.stopping
        return AgentAddress.of(session.spec) if session is not None and ready else None

    def agents(self) -> list[AgentAddress]:
        """Returns the addresses of the agents of all desktops that are ready."""
        return [
            AgentAddress.of(session.spec)
            for session in self.sessions.live()
            if session.state is SessionState.READY
        ]

    def ends_in_s(self, session_id: str) -> float | None:
        """Returns after which time a desktop ends if nobody opens it; None if it does not end."""
        return self.unattended.ends_in_s(session_id, self.monotonic_s())

    async def end_expired_web_sessions(self) -> None:
        """Deletes expired web sessions and disconnects their viewers. The server calls this once a minute."""
        for web_session in {viewer.web_session for viewer in self.viewers.open}:
            id_hash = bytes.fromhex(web_session)
            if await self.web_sessions.find_by_hash(id_hash) is None:
                self.viewers.disconnect_web_session(id_hash)
        await self.web_sessions.delete_expired()
        await self.pending_sign_ins.delete_expired()
        await self.devices.record_seen()
        await self.oidc.delete_expired()
