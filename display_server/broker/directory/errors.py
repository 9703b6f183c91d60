"""What can go wrong between this server and the directory."""

from __future__ import annotations

import socket
import ssl

from display_server.errors import Malfunction


class DirectoryError(Malfunction):
    """The directory gave no useful answer."""


class DirectoryAway(DirectoryError):  # noqa: N818 - a state of the network, like its base class
    """No server could be reached, or none answered in time."""


class ConnectionLost(DirectoryAway):
    """An open connection has ended. Another one to the same server may work."""


class DirectoryRefused(DirectoryError):  # noqa: N818 - an answer of the server
    """A server refused a search or the bind of the service account. `code` is LDAP's result code."""

    def __init__(self, cause: str, *, next_step: str, code: int) -> None:
        super().__init__(cause, next_step=next_step)
        self.code = code


class DirectoryBusy(DirectoryError):  # noqa: N818 - a state that passes
    """Too many people are signing in at the same time. The caller should try again after a few seconds."""


class DirectoryUnclear(DirectoryError):  # noqa: N818 - an answer of the server
    """The answer contradicts itself or the settings, so that nothing is concluded from it."""


def away(server: str, error: BaseException) -> DirectoryAway:
    """Returns the error for a connection that could not be opened, with the cause in plain words."""
    cause, next_step = _in_words(error)
    return DirectoryAway(f"The directory server {server} cannot be used: {cause}.", next_step=next_step)


def _in_words(error: BaseException) -> tuple[str, str]:
    if isinstance(error, ssl.SSLCertVerificationError):
        return (
            f"its certificate is not valid here ({error.verify_message})",
            "Set `directory.ca_file` to the certificate of the authority that issued it, and name the server "
            "in `directory.servers` as the certificate does.",
        )
    if isinstance(error, ssl.SSLError):
        return (
            f"TLS fails ({error.reason or error})",
            "Check that this port speaks TLS 1.2 or later: ldaps:// is for port 636, ldap:// for port 389.",
        )
    if isinstance(error, socket.gaierror):
        return (
            "its name cannot be resolved",
            "Check the name in `directory.servers` and the host's name service (`getent hosts NAME`).",
        )
    if isinstance(error, TimeoutError):
        return (
            "it does not answer in time",
            "Check the network and the firewall between this host and the directory.",
        )
    if isinstance(error, ConnectionRefusedError):
        return "nothing listens on its port", "Check that the directory runs, and the port."
    return f"{error}", "Check the network, the address and the log of the directory."
