"""The settings of the audit, as far as their types do not express them."""

from __future__ import annotations

from display_server.config.sections import AuditConfig
from display_server.errors import ConfigurationError
from display_server.telemetry.syslog import SyslogAddress

#: Largest `audit.retention_years`.
RETENTION_MAX_YEARS = 10


def check_audit(audit: AuditConfig, origin: str) -> None:
    """Raises ConfigurationError when a setting is wrong; `origin` names the source."""
    if not 1 <= audit.retention_years <= RETENTION_MAX_YEARS:
        raise ConfigurationError(
            f"{origin}: `audit.retention_years` must be from 1 to {RETENTION_MAX_YEARS}, not "
            f"{audit.retention_years}.",
            hint="Leave it out for the default.",
        )
    if audit.checkpoint_minutes <= 0:
        raise ConfigurationError(
            f"{origin}: `audit.checkpoint_minutes` must be more than 0, not {audit.checkpoint_minutes:g}.",
            hint="Leave it out for the default.",
        )
    syslog_address(audit, origin)


def syslog_address(audit: AuditConfig, origin: str = "The configuration") -> SyslogAddress | None:
    """Returns where checkpoints are sent by syslog. Raises ConfigurationError when it is no address."""
    try:
        return SyslogAddress.parse(audit.syslog) if audit.syslog else None
    except ValueError as error:
        raise ConfigurationError(
            f"{origin}: `audit.syslog` is not an address: {audit.syslog!r}.",
            hint=f"For this key, {error}.",
        ) from error
