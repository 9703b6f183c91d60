"""Backup and restore of a state folder, without a server."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import tarfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import pytest

from display_server.broker.accounts import Accounts
from display_server.broker.audit import keeping
from display_server.broker.audit.key import open_key
from display_server.broker.audit.spool import Record, Spool
from display_server.broker.audit.trail import AuditTrail
from display_server.broker.audit.verification import Given, describe
from display_server.broker.backup import FORMAT, Manifest, _ExactContent, write_backup
from display_server.broker.folders import StateFolder
from display_server.broker.migrations import SCHEMA_VERSION
from display_server.broker.restore import restore_backup
from display_server.broker.second_factor.factor_key import FactorKey
from display_server.broker.store import Store
from display_server.broker.web_sessions import WebSessions
from display_server.errors import ConfigurationError, Malfunction
from tests.fakes.audit_chain import entry
from tests.fakes.gateway import PASSWORD, cheap_passwords


@pytest.fixture
async def state(tmp_path: Path) -> StateFolder:
    """A state folder with an account, a signed-in browser, keys and a home."""
    state = StateFolder.open(tmp_path / "state")
    async with opened(state) as accounts:
        account = await accounts.add("kim", PASSWORD)
        await WebSessions(accounts._store).create(account)
    (state.tls / "ca.key").write_text("the key")
    (state.tls / "ca.key").chmod(0o600)
    home = state.homes / "kim" / "office"
    (home / "closed").mkdir(parents=True)
    (home / "notes.txt").write_text("what kim wrote")
    (home / "notes.txt").chmod(0o640)
    (home / "link").symlink_to("/etc/hostname")
    (home / "closed" / "inner").write_text("read only folder")
    (home / "closed").chmod(0o500)
    os.mkfifo(home / "pipe")
    return state


@asynccontextmanager
async def opened(state: StateFolder) -> AsyncIterator[Accounts]:
    store = await Store.open(state.database)
    yield Accounts(store, cheap_passwords())
    await store.close()


async def test_restores_accounts_keys_and_homes(state: StateFolder, tmp_path: Path) -> None:
    archive = tmp_path / "backup.tar.gz"
    report = write_backup(state, archive, homes=True)
    assert archive.stat().st_mode & 0o777 == 0o600
    assert report.skipped == ["homes/kim/office/pipe"]
    assert report.changed == []

    restored = StateFolder(tmp_path / "restored")
    manifest = restore_backup(archive, restored.path)
    assert (manifest.homes, manifest.schema) == (True, SCHEMA_VERSION)
    assert restored.path.stat().st_mode & 0o777 == 0o700
    async with opened(restored) as accounts:
        assert await accounts.verify("kim", PASSWORD) is not None
    assert (restored.tls / "ca.key").read_text() == "the key"
    assert (restored.tls / "ca.key").stat().st_mode & 0o777 == 0o600
    home = restored.homes / "kim" / "office"
    assert (home / "notes.txt").read_text() == "what kim wrote"
    assert (home / "notes.txt").stat().st_mode & 0o777 == 0o640
    assert (home / "link").readlink() == Path("/etc/hostname")
    assert (home / "closed" / "inner").read_text() == "read only folder"
    assert (home / "closed").stat().st_mode & 0o777 == 0o500


async def test_restores_second_factors_with_their_key(state: StateFolder, tmp_path: Path) -> None:
    stored = FactorKey.provide(state.second_factor_key).encrypt(b"a secret", b"account 1")
    write_backup(state, tmp_path / "backup.tar.gz", homes=False)
    restored = StateFolder(tmp_path / "restored")
    restore_backup(tmp_path / "backup.tar.gz", restored.path)
    assert restored.second_factor_key.stat().st_mode & 0o777 == 0o600
    key = FactorKey.provide(restored.second_factor_key)
    assert key.decrypt(stored, b"account 1") == b"a secret"


async def test_leaves_homes_out_unless_they_are_wanted(state: StateFolder, tmp_path: Path) -> None:
    write_backup(state, tmp_path / "backup.tar.gz", homes=False)
    with tarfile.open(tmp_path / "backup.tar.gz") as archive:
        assert archive.getnames() == ["manifest.json", "lightbox.db", "tls", "tls/ca.key"]


async def test_nobody_is_signed_in_after_a_restore(state: StateFolder, tmp_path: Path) -> None:
    write_backup(state, tmp_path / "backup.tar.gz", homes=False)
    restore_backup(tmp_path / "backup.tar.gz", tmp_path / "restored")
    with sqlite3.connect(tmp_path / "restored" / "lightbox.db") as restored:
        assert restored.execute("SELECT count(*) FROM web_sessions").fetchone() == (0,)
    restored.close()
    with sqlite3.connect(state.database) as original:
        assert original.execute("SELECT count(*) FROM web_sessions").fetchone() == (1,)
    original.close()


async def test_the_copy_is_consistent_while_accounts_are_added(state: StateFolder, tmp_path: Path) -> None:
    async with opened(state) as accounts:
        done = asyncio.Event()

        async def keep_adding() -> int:
            count = 0
            while not done.is_set():
                await accounts.add(f"person{count}", PASSWORD)
                count += 1
            return count

        adding = asyncio.create_task(keep_adding())
        while await accounts.find("person3") is None:  # noqa: ASYNC110 - there is no event to wait for
            await asyncio.sleep(0)
        await asyncio.to_thread(write_backup, state, tmp_path / "backup.tar.gz", homes=False)
        done.set()
        added = await adding
    restore_backup(tmp_path / "backup.tar.gz", tmp_path / "restored")
    async with opened(StateFolder(tmp_path / "restored")) as accounts:
        restored = [account.username for account in await accounts.list_all()]
        events = [event.username for event in await accounts.events()]
    assert 4 <= len(restored) - 1 <= added
    assert sorted(events) == sorted(restored), "an account and its record are one transaction"


async def test_restores_the_audit_with_its_key_and_spool(state: StateFolder, tmp_path: Path) -> None:
    spooled = Record("a" * 24, entry(7))
    Spool(state.audit_spool).add(spooled)
    store = await Store.open(state.database)
    statement = await keeping.make_checkpoint(store, open_key(state.audit_key), 10**15)
    await store.close()
    assert statement
    write_backup(state, tmp_path / "backup.tar.gz", homes=False)
    restored = StateFolder(tmp_path / "restored")
    restore_backup(tmp_path / "backup.tar.gz", restored.path)
    assert restored.audit_key.stat().st_mode & 0o777 == 0o600
    store = await Store.open(restored.database)
    try:
        await AuditTrail(store, restored.audit_spool).chain_spooled()
        outside = [Given(statement, "a file", outside=True)]
        report = await keeping.verify(store, open_key(restored.audit_key).public_key(), outside)
    finally:
        await store.close()
    assert report.intact, describe(report)
    assert report.proven_outside == statement
    assert report.last == statement.seq + 1, "with the act in the spool"


async def test_refuses_a_target_that_is_not_empty(state: StateFolder, tmp_path: Path) -> None:
    archive = tmp_path / "backup.tar.gz"
    write_backup(state, archive, homes=False)
    with pytest.raises(ConfigurationError, match="is not empty"):
        restore_backup(archive, state.path)
    with pytest.raises(ConfigurationError, match="is not empty"):
        restore_backup(archive, archive)
    (tmp_path / "empty").mkdir()
    restore_backup(archive, tmp_path / "empty")
    assert (tmp_path / "empty" / "lightbox.db").is_file()


async def test_refuses_to_replace_a_file(state: StateFolder, tmp_path: Path) -> None:
    target = tmp_path / "backup.tar.gz"
    target.write_text("an older backup")
    with pytest.raises(ConfigurationError, match="exists already"):
        write_backup(state, target, homes=False)
    assert target.read_text() == "an older backup"
    with pytest.raises(ConfigurationError, match="lies in the state folder"):
        write_backup(state, state.homes / "backup.tar.gz", homes=False)
    with pytest.raises(ConfigurationError, match="no database"):
        write_backup(StateFolder(tmp_path), tmp_path / "other.tar.gz", homes=False)


def test_a_failed_backup_leaves_nothing_behind(state: StateFolder, tmp_path: Path) -> None:
    state.database.write_bytes(b"nonsense" * 1000)
    before = set(tmp_path.iterdir())
    with pytest.raises(Malfunction, match="could not be copied"):
        write_backup(state, tmp_path / "backup.tar.gz", homes=False)
    assert set(tmp_path.iterdir()) == before
    assert not list(state.path.glob(".backup-*"))


@pytest.mark.parametrize("part", [0, 0.1, 0.9, 1])
def test_refuses_an_incomplete_archive(state: StateFolder, tmp_path: Path, part: float) -> None:
    archive = tmp_path / "backup.tar.gz"
    write_backup(state, archive, homes=True)
    content = archive.read_bytes()
    archive.write_bytes(content[: min(int(len(content) * part), len(content) - 1)])
    with pytest.raises(ConfigurationError, match="cannot be restored"):
        restore_backup(archive, tmp_path / "restored")
    assert not (tmp_path / "restored").exists()
    assert not list(tmp_path.glob(".restored*"))


def test_refuses_an_archive_whose_checksum_is_wrong(state: StateFolder, tmp_path: Path) -> None:
    """All of its content can be read, but a bit may have changed."""
    archive = tmp_path / "backup.tar.gz"
    write_backup(state, archive, homes=True)
    content = bytearray(archive.read_bytes())
    content[-8] ^= 1  # gzip ends with the checksum and the length, 4 bytes each
    archive.write_bytes(content)
    with pytest.raises(ConfigurationError, match="cannot be restored"):
        restore_backup(archive, tmp_path / "restored")
    assert not (tmp_path / "restored").exists()


def write_archive(path: Path, manifest: Manifest, *members: tarfile.TarInfo) -> None:
    with tarfile.open(path, "w:gz") as archive:
        content = msgspec.json.encode(manifest)
        first = tarfile.TarInfo("manifest.json")
        first.size = len(content)
        scratch = path.with_name("content")
        scratch.write_bytes(content)
        with scratch.open("rb") as file:
            archive.addfile(first, file)
        for member in members:
            archive.addfile(member)


def test_refuses_an_archive_of_a_newer_version(tmp_path: Path) -> None:
    for manifest in (Manifest(FORMAT + 1, "9.0", 5, 0, False), Manifest(FORMAT, "9.0", 999, 0, False)):
        write_archive(tmp_path / "backup.tar.gz", manifest)
        with pytest.raises(ConfigurationError, match="newer version"):
            restore_backup(tmp_path / "backup.tar.gz", tmp_path / "restored")


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("../outside", tarfile.REGTYPE),
        ("/absolute", tarfile.REGTYPE),
        ("homes/../../outside", tarfile.REGTYPE),
        ("unknown", tarfile.REGTYPE),
        ("instances", tarfile.DIRTYPE),
        ("homes/device", tarfile.CHRTYPE),
        ("homes/hard", tarfile.LNKTYPE),
    ],
)
def test_refuses_entries_that_no_backup_has(tmp_path: Path, name: str, kind: bytes) -> None:
    member = tarfile.TarInfo(name)
    member.type = kind
    write_archive(tmp_path / "backup.tar.gz", Manifest(FORMAT, "0.1.0", 5, 0, True), member)
    with pytest.raises(ConfigurationError, match="unexpected entry"):
        restore_backup(tmp_path / "backup.tar.gz", tmp_path / "restored")
    assert not (tmp_path / "outside").exists()


def test_never_writes_through_a_link(tmp_path: Path) -> None:
    """A link that replaced a folder while homes were saved, or that somebody put into an archive."""
    (tmp_path / "outside").mkdir()
    folder, link, inner = (tarfile.TarInfo(name) for name in ("homes", "homes/kim", "homes/kim/inner"))
    folder.type, link.type = tarfile.DIRTYPE, tarfile.SYMTYPE
    link.linkname = str(tmp_path / "outside")
    write_archive(tmp_path / "backup.tar.gz", Manifest(FORMAT, "0.1.0", 5, 0, True), folder, link, inner)
    with pytest.raises(OSError, match="No such file"):
        restore_backup(tmp_path / "backup.tar.gz", tmp_path / "restored")
    assert list((tmp_path / "outside").iterdir()) == []
    assert not (tmp_path / "restored").exists()


def test_a_file_that_changes_while_it_is_saved_keeps_its_announced_size(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"12345")
    with path.open("rb") as file:
        longer = _ExactContent(file, 3)
        assert (longer.read(10), longer.read(10), longer.padded) == (b"123", b"", False)
    with path.open("rb") as file:
        shorter = _ExactContent(file, 8)
        assert (shorter.read(100), shorter.padded) == (b"12345\0\0\0", True)
