"""What the database stores of second factors is of no use without the key."""

from __future__ import annotations

from pathlib import Path

import pytest

from display_server.broker.second_factor.factor_key import FactorKey, FactorKeyError
from display_server.errors import ConfigurationError

SECRET = b"12345678901234567890"


def test_decrypts_what_it_encrypted() -> None:
    key = FactorKey(bytes(32))
    stored = key.encrypt(SECRET, b"account 1")
    assert SECRET not in stored
    assert stored != key.encrypt(SECRET, b"account 1")
    assert FactorKey(bytes(32)).decrypt(stored, b"account 1") == SECRET


def test_another_key_another_account_and_altered_bytes_are_refused() -> None:
    key = FactorKey(bytes(32))
    stored = key.encrypt(SECRET, b"account 1")
    for other, owner, value in (
        (FactorKey(b"1" * 32), b"account 1", stored),
        (key, b"account 2", stored),
        (key, b"account 1", stored[:-1] + bytes([stored[-1] ^ 1])),
        (key, b"account 1", stored[:5]),
        (key, b"account 1", b""),
    ):
        with pytest.raises(FactorKeyError):
            other.decrypt(value, owner)


def test_the_key_is_created_once_and_private(tmp_path: Path) -> None:
    path = tmp_path / "second-factor-key"
    stored = FactorKey.provide(path).encrypt(SECRET, b"account 1")
    assert path.stat().st_mode & 0o777 == 0o600
    assert FactorKey.provide(path).decrypt(stored, b"account 1") == SECRET
    assert [entry.name for entry in tmp_path.iterdir()] == ["second-factor-key"]


def test_a_key_that_others_can_read_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "second-factor-key"
    FactorKey.provide(path)
    path.chmod(0o640)
    with pytest.raises(ConfigurationError, match="can be read by other users"):
        FactorKey.provide(path)


@pytest.mark.parametrize("content", [b"", b"AAAA\n", b"no base64 at all!"])
def test_a_damaged_key_is_not_replaced(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "second-factor-key"
    path.write_bytes(content)
    path.chmod(0o600)
    with pytest.raises(ConfigurationError, match="damaged"):
        FactorKey.provide(path)
    assert path.read_bytes() == content
