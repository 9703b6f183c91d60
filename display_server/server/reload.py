"""Reloads configuration and certificates while the server runs, without ending a desktop or a connection.

Everything that can fail is prepared first. Only then the new settings replace the old ones, so that a
configuration is applied as a whole or not at all.
"""

from __future__ import annotations

import asyncio
import datetime
from collections.abc import Callable
from dataclasses import dataclass, replace

import structlog

from display_server.broker.api.services import BrokerServices
from display_server.broker.audit.entry import Action, AuditEntry, Outcome, Role
from display_server.broker.break_glass.settings import BreakGlassSettings
from display_server.broker.directory.settings import DirectorySettings
from display_server.broker.folders import StateFolder
from display_server.broker.oidc.settings import ProviderSettings
from display_server.broker.second_factor.policy import SecondFactorSettings
from display_server.broker_link.messages import GatewaySettings
from display_server.broker_link.named_networks import NamedNetworks
from display_server.config import Config, video_network_settings, video_settings
from display_server.desktop.profiles import profile
from display_server.desktop.profiles.folders import use_operator_folder
from display_server.desktop.video_settings import VideoNetworkSettings, VideoSettings
from display_server.errors import LightboxError
from display_server.gateway.hosts import check_name, names_in_use
from display_server.gateway.page_policy import PagePolicy
from display_server.gateway.proxies import Networks, PublicAccess, PublicAddress, TrustedProxies
from display_server.server.certificates import CertificateWatch, ServerCertificate, load_certificate
from display_server.server.definitions import (
    badge_settings,
    break_glass_settings,
    connection_limits,
    desktop_definitions,
    lock_limits,
    second_factor_settings,
)
from display_server.server.directory_settings import directory_settings
from display_server.server.isolation_rules import require_sound
from display_server.server.metrics_token import provide_metrics_token
from display_server.server.policy_values import configured_values
from display_server.server.provider_settings import provider_settings
from display_server.server.reload_effects import changes
from display_server.server.reload_result import ReloadResult
from display_server.server.unattended_watch import use_unattended_limits

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Settings:
    """A configuration that was checked completely, with everything that is made of it."""

    config: Config
    names: tuple[str, ...]  # all names and addresses by which browsers may reach the server
    access: PublicAccess
    video: VideoSettings
    video_network: VideoNetworkSettings
    certificate: ServerCertificate
    metrics_token: str
    second_factor: SecondFactorSettings
    break_glass: BreakGlassSettings
    directory: DirectorySettings | None
    providers: tuple[ProviderSettings, ...]


async def prepare(config: Config, state: StateFolder) -> Settings:
    """Checks a configuration and makes what the server needs of it. Raises LightboxError."""
    require_sound(config)
    for name in config.names:
        check_name(name)
    use_operator_folder(config.profiles)
    profile.load_operator_profiles()
    for desktop in config.desktops:
        profile.load(desktop.profile)  # reports a mistake now and not when somebody opens the desktop
    public = PublicAddress.parse(config.public_url) if config.public_url else None
    proxies = TrustedProxies.parse(config.trusted_proxies)
    names = names_in_use(config.host, [*config.names, *([public.host] if public else [])])
    access = PublicAccess(
        frozenset(names),
        public,
        proxies,
        Networks.parse(config.sign_in.shared_networks, key="sign_in.shared_networks"),
        PagePolicy.parse(config.browser.permissions, config.browser.frame_ancestors),
        cross_site_cookies=config.browser.cookies == "cross-site",
    )
    return Settings(
        config=config,
        names=tuple(names),
        access=access,
        video=video_settings(config),
        video_network=video_network_settings(config),
        certificate=await load_certificate(config, state.tls, names, _now()),
        metrics_token=provide_metrics_token(config, state),
        second_factor=second_factor_settings(config, access),
        break_glass=break_glass_settings(config),
        directory=directory_settings(config),
        providers=provider_settings(config),
    )


def for_gateways(settings: Settings, serial: int) -> GatewaySettings:
    """Returns what gateways need of the settings. `serial` counts what they were sent."""
    config, certificate = settings.config, settings.certificate
    return GatewaySettings(
        serial=serial,
        names=list(settings.names),
        public_url=config.public_url,
        trusted_proxies=list(config.trusted_proxies),
        shared_networks=list(config.sign_in.shared_networks),
        permissions=list(config.browser.permissions),
        frame_ancestors=list(config.browser.frame_ancestors),
        cross_site_cookies=settings.access.cross_site_cookies,
        certificate=certificate.chain_pem.decode(errors="replace"),  # comments may be anything
        key=certificate.key_pem.decode(errors="replace"),
        root_pem=certificate.root_pem.decode() if certificate.root_pem is not None else None,
        video=settings.video_network,
        limits=connection_limits(config),
    )


class Reloader:
    """Keeps the settings that are in force, and replaces them.

    `read` reads the configuration again. Whoever sets `requested` asks for a reload. `write_result` receives
    the outcome of each.
    """

    def __init__(
        self,
        settings: Settings,
        state: StateFolder,
        services: BrokerServices,
        *,
        read: Callable[[], Config],
        requested: asyncio.Event,
        write_result: Callable[[ReloadResult], None],
    ) -> None:
        self._settings = settings
        self._state = state
        self._services = services
        self._read = read
        self._write_result = write_result
        self._watch = CertificateWatch(
            lambda name, expires_s: services.metrics.certificate_expiry_s.labels(name).set(expires_s)
        )
        self._requested = requested
        self._serial = 0
        self._sent = 0
        self._watch.examine(settings.certificate, _now())

    @property
    def config(self) -> Config:
        """The configuration that is in force."""
        return self._settings.config

    async def start(self) -> None:
        """Gives the settings to the gateways that are connected, and to those that connect later."""
        await self._send_to_gateways()

    async def run(self, renewal_interval_s: float) -> None:
        """Reloads on request, and examines the certificate at each interval, until it is cancelled."""
        while True:
            try:
                async with asyncio.timeout(renewal_interval_s):
                    await self._requested.wait()
            except TimeoutError:
                await self._renew_or_log()
            else:
                self._requested.clear()
                self._write_result(await self.reload())

    async def reload(self) -> ReloadResult:
        """Applies the configuration as it is now, or none of it."""
        self._serial += 1
        try:
            old = self._settings
            found = changes(old.config, self._read())
            settings = await prepare(found.config, self._state)
            applied = ", ".join(found.applied) or "nothing"
            entry = self._entry(Outcome.DONE, f"changed: {applied}")
            await self._services.catalogue.replace(desktop_definitions(settings.config), entry=entry)
            self._services.pools.use(await self._services.catalogue.list_all())
        except LightboxError as error:
            await self._services.audit.close(self._entry(Outcome.REFUSED, "the new one has a mistake"))
            log.error(
                "configuration refused; the previous one stays in force",
                cause=error.cause,
                next_step=error.next_step,
            )
            return ReloadResult(self._serial, cause=error.cause, next_step=error.next_step)
        except Exception:
            await self._services.audit.close(self._entry(Outcome.FAILED, "unexpected error"))
            log.exception("configuration not reloaded; the previous one stays in force")
            return ReloadResult(
                self._serial,
                cause="An unexpected error occurred.",
                next_step="The log of the server has the details. The previous configuration is in force.",
            )
        certificate_changed = await self._apply(settings)
        log.info(
            "configuration reloaded",
            applied=found.applied,
            need_restart=found.need_restart,
            certificate_changed=certificate_changed,
        )
        return ReloadResult(self._serial, list(found.applied), list(found.need_restart), certificate_changed)

    def _entry(self, outcome: Outcome, reason: str) -> AuditEntry:
        # Nobody is named: a signal asks for the reload, and the kernel does not say whose it was.
        now_s = self._services.audit.now_s()
        return AuditEntry(
            now_s,
            Action.CONFIGURATION_RELOADED,
            outcome,
            role=Role.OPERATOR,
            object="configuration",
            reason=reason,
        )

    async def _renew_or_log(self) -> None:
        try:
            await self.renew_certificate()
        except LightboxError as error:
            log.error("certificate not renewed", cause=error.cause, next_step=error.next_step)
        except Exception:
            log.exception("certificate not renewed")

    async def renew_certificate(self) -> None:
        """Renews the certificate of the local authority when it expires soon, and gives due warnings.

        Raises LightboxError.
        """
        settings, now = self._settings, _now()
        try:
            if settings.config.tls.certificate is None:
                renewed = await load_certificate(
                    settings.config, self._state.tls, settings.names, now, again=True
                )
                if self._keep_certificate(renewed):
                    await self._send_to_gateways()
        finally:
            self._watch.examine(self._settings.certificate, now)

    async def _apply(self, settings: Settings) -> bool:
        """Puts the settings into force, which cannot fail. Returns whether the certificate is new."""
        services, config = self._services, settings.config
        use_sign_in_settings(services, settings)
        services.metrics_token = settings.metrics_token
        services.web_sessions.use_limits(
            idle_s=config.sign_in.idle_minutes * 60,
            absolute_s=config.sign_in.absolute_hours * 3600,
            lock=lock_limits(config),
        )
        if services.directory is not None:
            services.directory.cached.valid_s = config.directory.cached_sign_in_hours * 3600
        services.viewers_per_person = config.limits.viewers_per_person
        use_unattended_limits(services, config)
        use_policy_values(services, config)
        services.access_watch.request()
        services.sessions.use_for_new_desktops(
            locale=config.locale, patience=config.patience, video=settings.video
        )
        former = self._settings.certificate
        self._settings = replace(settings, certificate=former)
        changed = self._keep_certificate(settings.certificate)
        await self._send_to_gateways()
        self._watch.examine(settings.certificate, _now())
        return changed

    def _keep_certificate(self, certificate: ServerCertificate) -> bool:
        """Takes this certificate into the settings. Returns whether it is another one."""
        former = self._settings.certificate
        self._settings = replace(self._settings, certificate=certificate)
        if (certificate.leaf, certificate.root_pem) == (former.leaf, former.root_pem):
            return False
        log.info(
            "certificate exchanged",
            expires=certificate.leaf.not_valid_after_utc.date().isoformat(),
            root_sha256=certificate.root_sha256,
        )
        return True

    async def _send_to_gateways(self) -> None:
        self._sent += 1
        await self._services.gateways.use_settings(for_gateways(self._settings, self._sent))


def use_sign_in_settings(services: BrokerServices, settings: Settings) -> None:
    """Puts into force how people sign in."""
    services.sign_in_limiter.is_shared = settings.access.is_shared
    services.factor_limiter.is_shared = settings.access.is_shared
    services.second_factor = settings.second_factor
    services.badge_settings = badge_settings(settings.config)
    services.break_glass.settings = settings.break_glass


def use_policy_values(services: BrokerServices, config: Config) -> None:
    """Puts into force what the configuration decides where no policy does, and the names of networks."""
    services.policies.use(configured_values(config), NamedNetworks.parse(config.networks))


def _now() -> datetime.datetime:
    return datetime.datetime.now(datetime.UTC)
