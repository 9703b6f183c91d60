"""Makes the settings of OpenID Connect providers from the configuration and the files that it names."""

from __future__ import annotations

from display_server.broker.oidc.settings import ProviderSettings, check_together
from display_server.config import Config, read_secret


def provider_settings(config: Config) -> tuple[ProviderSettings, ...]:
    """Returns the settings of all providers.

    Raises ConfigurationError when a key is wrong, or when others can read a file with a secret.
    """
    found = tuple(
        ProviderSettings.of(
            provider,
            read_secret(provider.client_secret_file) if provider.client_secret_file is not None else None,
        )
        for provider in config.oidc
    )
    check_together(found)
    return found
