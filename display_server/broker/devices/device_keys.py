"""The keys that sign the cookies of enrolled devices: a file of the state folder.

The newest key signs. Earlier ones verify until the last cookie that they signed has expired, so that a new
key puts no device out. A cookie names its key, the device and when it was issued, and has an HMAC-SHA-256 of
that.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import hashlib
import hmac
import os
import re
import secrets
import stat
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from display_server.errors import ConfigurationError

#: Random bytes of a key, and of its name.
KEY_BYTES = 32
NAME_BYTES = 4
#: Validity of a cookie, s: 400 days, the longest that browsers accept. Each sign-in renews it.
COOKIE_S = 400 * 24 * 3600
#: What a cookie looks like. It has neither quotes nor separators of the header.
COOKIE = re.compile(r"([0-9a-f]{8})\.([0-9a-f]{32})\.([0-9]{1,12})\.([0-9a-f]{64})")


@dataclass(frozen=True, slots=True)
class DeviceKey:
    """One key. `made_s` is wall-clock time, in seconds since the epoch."""

    name: str
    made_s: int
    secret: bytes

    def __repr__(self) -> str:
        return f"DeviceKey({self.name})"  # a log must not contain the secret


class DeviceKeys:
    """The keys of a file. Opening and changing them blocks; signing and verifying does not."""

    def __init__(self, keys: Sequence[DeviceKey], path: Path | None = None) -> None:
        self._keys = list(keys)  # the newest one last
        self._path = path

    @classmethod
    def provide(cls, path: Path, now_s: float) -> DeviceKeys:
        """Reads the keys of a file, which is created (mode 0600) where there is none.

        Raises ConfigurationError when the file cannot be used or can be read by other users.
        """
        try:
            if not path.exists():
                _write(path, [new_key(now_s)], replace=False)
            return cls(_read(path), path)
        except OSError as error:
            raise _unusable(path, error) from error

    def read_again(self) -> None:
        """Takes the keys that another process has written. Raises ConfigurationError."""
        assert self._path is not None, "these keys have no file"
        try:
            self._keys = _read(self._path)
        except OSError as error:
            raise _unusable(self._path, error) from error

    def change(self, now_s: float, *, revoke_former: bool = False) -> None:
        """Adds a new key, which signs from now on, and forgets those whose cookies have all expired.

        With `revoke_former` every device has to be enrolled anew. Raises ConfigurationError.
        """
        assert self._path is not None, "these keys have no file"
        fresh = new_key(now_s)
        replaced_s = [key.made_s for key in self._keys[1:]] + [fresh.made_s]
        kept = [key for key, end_s in zip(self._keys, replaced_s, strict=True) if now_s - end_s < COOKIE_S]
        keys = [*([] if revoke_former else kept), fresh]
        try:
            _write(self._path, keys, replace=True)
        except OSError as error:
            raise _unusable(self._path, error) from error
        self._keys = keys

    def sign(self, device_id: str, now_s: float) -> str:
        """Returns the value of the cookie of a device."""
        key = self._keys[-1]
        signed = f"{key.name}.{device_id}.{int(now_s)}"
        return f"{signed}.{_mac(key, signed)}"

    def device_of(self, cookie: str, now_s: float) -> str | None:
        """Returns the id of the device to which this cookie was given; None if it is none of ours."""
        match = COOKIE.fullmatch(cookie)
        if match is None:
            return None
        name, device_id, issued, mac = match.groups()
        key = next((key for key in self._keys if key.name == name), None)
        if key is None or not hmac.compare_digest(_mac(key, f"{name}.{device_id}.{issued}"), mac):
            return None
        return device_id if now_s - int(issued) < COOKIE_S else None


def new_key(now_s: float) -> DeviceKey:
    """Returns a random key."""
    return DeviceKey(secrets.token_hex(NAME_BYTES), int(now_s), secrets.token_bytes(KEY_BYTES))


def _mac(key: DeviceKey, signed: str) -> str:
    return hmac.new(key.secret, b"lightbox device\0" + signed.encode(), hashlib.sha256).hexdigest()


def _read(path: Path) -> list[DeviceKey]:
    """Raises ConfigurationError when a line is no key or other users can read the file, and OSError."""
    if stat.S_IMODE(path.stat().st_mode) & 0o077:
        raise ConfigurationError(f"{path} can be read by other users.", hint=f"chmod 600 {path}")
    keys: list[DeviceKey] = []
    for line in path.read_text("ascii", "replace").splitlines():
        name, _, rest = line.partition(" ")
        made, _, text = rest.partition(" ")
        try:
            secret = base64.b64decode(text, validate=True)
        except binascii.Error:
            secret = b""
        if len(secret) != KEY_BYTES or not made.isdecimal() or not re.fullmatch("[0-9a-f]{8}", name):
            keys = []
            break
        keys.append(DeviceKey(name, int(made), secret))
    if not keys:
        raise ConfigurationError(
            f"{path} is damaged: its lines are no keys of devices.",
            hint="Restore it from a backup. Without it, move it away; then every device has to be enrolled "
            "anew with `lightbox devices enrol`.",
        )
    return keys


def _write(path: Path, keys: Sequence[DeviceKey], *, replace: bool) -> None:
    """Writes the file completely or not at all. Without `replace`, a file that exists by then stays."""
    scratch = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    descriptor = os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    try:
        with os.fdopen(descriptor, "w") as file:
            for key in keys:
                file.write(f"{key.name} {key.made_s} {base64.b64encode(key.secret).decode()}\n")
            file.flush()
            os.fsync(file.fileno())
        if replace:
            scratch.replace(path)
        else:
            with contextlib.suppress(FileExistsError):
                os.link(scratch, path)
    finally:
        scratch.unlink(missing_ok=True)


def _unusable(path: Path, error: OSError) -> ConfigurationError:
    return ConfigurationError(
        f"{path} cannot be used: {error.strerror}.",
        hint="Check the permissions of the file and the free space of its folder.",
    )
