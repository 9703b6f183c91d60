"""The operator's configuration: a TOML file, whose values `LIGHTBOX_…` environment variables override.

The whole configuration is checked before anything starts. `deploy/lightbox.example.toml` shows every key. A
new section is a struct in `sections`, and a function in `checks` if its types do not express everything.
"""

from display_server.config.audit import syslog_address
from display_server.config.checks import check_display
from display_server.config.network import network_range, video_network_settings, video_settings
from display_server.config.reading import load
from display_server.config.secret_file import read_secret
from display_server.config.sections import (
    SECTIONS,
    AuditConfig,
    BrowserConfig,
    Config,
    DatabaseConfig,
    DesktopConfig,
    IsolationConfig,
    LimitsConfig,
    MetricsConfig,
    ScreenLockConfig,
    SignInConfig,
    TlsConfig,
    UnattendedConfig,
    VideoConfig,
    default_state_folder,
    default_web_client,
    parse_size,
)

__all__ = [
    "SECTIONS",
    "AuditConfig",
    "BrowserConfig",
    "Config",
    "DatabaseConfig",
    "DesktopConfig",
    "IsolationConfig",
    "LimitsConfig",
    "MetricsConfig",
    "ScreenLockConfig",
    "SignInConfig",
    "TlsConfig",
    "UnattendedConfig",
    "VideoConfig",
    "check_display",
    "default_state_folder",
    "default_web_client",
    "load",
    "network_range",
    "parse_size",
    "read_secret",
    "syslog_address",
    "video_network_settings",
    "video_settings",
]
