"""What can go wrong between this server and an OpenID Connect provider."""

from __future__ import annotations

import socket
import ssl

from display_server.errors import Malfunction, PolicyError


class ProviderAway(Malfunction):
    """The provider could not be reached, or gave no useful answer."""


class AnswerRefusedError(PolicyError):
    """An answer that does not pass a check. Nobody is signed in by it.

    `reason` is for the log and the audit, and contains no secret. The person is not shown it.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(
            "The answer of the sign-in service was not accepted.",
            next_step="Begin to sign in again. If it happens again, tell your administrator.",
        )
        self.reason = reason


class DeniedAtProviderError(AnswerRefusedError):
    """The provider does not let the person sign in, or the person gave up there."""


def away(provider: str, error: BaseException) -> ProviderAway:
    """Returns the error for a provider that gave no answer, with the cause in plain words."""
    cause, next_step = _in_words(error)
    return ProviderAway(f"The provider {provider} cannot be used: {cause}.", next_step=next_step)


def _in_words(error: BaseException) -> tuple[str, str]:
    if isinstance(error, ssl.SSLCertVerificationError):
        return (
            f"its certificate is not valid here ({error.verify_message})",
            "Set `ca_file` of the provider to the certificate of the authority that issued it.",
        )
    if isinstance(error, ssl.SSLError):
        return f"TLS fails ({error.reason or error})", "Check that its address speaks TLS 1.2 or later."
    if isinstance(error, socket.gaierror):
        return (
            "its name cannot be resolved",
            "Check `issuer` and the host's name service (`getent hosts NAME`).",
        )
    if isinstance(error, TimeoutError):
        return "it does not answer in time", "Check the network and the firewall between it and this host."
    if isinstance(error, ConnectionRefusedError):
        return "nothing listens on its port", "Check that the provider runs, and the port in `issuer`."
    return f"{error}", "Check the network, the address and the log of the provider."
