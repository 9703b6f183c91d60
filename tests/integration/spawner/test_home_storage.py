"""Homes of limited size, with real loop devices, ext4 and btrfs. Nothing in them may get lost."""

from __future__ import annotations

import errno
import os
import shutil
import stat
import subprocess
import sys
import tarfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from display_server.broker.backup import BackupReport, _add_folder
from display_server.errors import DesktopError
from display_server.spawner import home_storage, mounts
from display_server.spawner.home_storage import provide, release
from display_server.spawner.homes import make_home, open_folder
from display_server.spawner.messages import MEBIBYTE

pytestmark = [
    pytest.mark.skipif(os.geteuid() != 0, reason="only root mounts homes"),
    pytest.mark.skipif(not Path("/dev/loop-control").exists(), reason="this host has no loop devices"),
]
PERSON = 0x7000_0001
SIZE_MB = 64
#: Kills itself in, or right after, the function of move_home that is named first.
KILLED_MOVE = """
import os, sys
from display_server.spawner import move_home
name, late = sys.argv[1], sys.argv[2] == "after"
original = getattr(move_home, name)
def killed(*arguments, **named):
    if late:
        original(*arguments, **named)
    os.kill(os.getpid(), 9)
setattr(move_home, name, killed)
sys.exit(move_home.main(sys.argv[3:]))
"""


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(home_storage, "MOVE_WAIT_S", 300.0)


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 120
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


class Homes:
    """A folder of homes on some file system."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()
        self.descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)

    def provide(self, username: str = "kim", size_mb: int = SIZE_MB) -> Path:
        provide(self.descriptor, username, "office", PERSON, size_mb)
        return self.folder / username / "office"

    def make_plain(self, username: str = "kim") -> Path:
        """Creates a home without a limit that contains one of everything."""
        make_home(self.descriptor, username, "office", PERSON)
        home = self.folder / username / "office"
        (home / "Documents").mkdir(mode=0o750)
        letter = home / "Documents" / "letter"
        letter.write_text("Dear colleague")
        letter.chmod(0o640)
        os.setxattr(letter, "user.origin", b"a program")
        os.link(letter, home / "another-name")
        (home / "link").symlink_to("/etc/passwd")
        os.mkfifo(home / "pipe")
        (home / "large").write_bytes(os.urandom(3 * MEBIBYTE))
        for path in [*home.rglob("*")]:
            os.chown(path, PERSON, PERSON, follow_symlinks=False)
            os.utime(path, ns=(10**18, 10**18 + 7), follow_symlinks=False)
        return home

    def release(self) -> None:
        """Unmounts all homes. Whatever looks at mounts on a busy host may keep one of them for a moment."""
        wait_until(lambda: release(self.folder, ()) == [])

    def close(self) -> None:
        self.release()
        os.close(self.descriptor)


def content_of(home: Path) -> dict[str, tuple[object, ...]]:
    """Returns everything about the files of a home that a person could miss."""
    found: dict[str, tuple[object, ...]] = {}
    for path in sorted(home.rglob("*")):
        status = path.lstat()
        data: object = None
        if stat.S_ISLNK(status.st_mode):
            data = path.readlink()
        elif stat.S_ISREG(status.st_mode):
            data = (path.read_bytes(), os.listxattr(path), status.st_mtime_ns, status.st_nlink)
        found[str(path.relative_to(home))] = (status.st_mode, status.st_uid, status.st_gid, data)
    return found


def fill(home: Path) -> int:
    """Writes until nothing more fits, and returns how many MiB that were."""
    written = 0
    with (home / "filler").open("wb", buffering=0) as file:
        while written < 4 * SIZE_MB:
            try:
                file.write(os.urandom(MEBIBYTE))
                os.fsync(file.fileno())
            except OSError as error:
                if error.errno in (errno.ENOSPC, errno.EDQUOT):
                    break
                raise
            written += 1
    return written


@pytest.fixture(params=["image", "btrfs"])
def homes(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Homes]:
    if request.param == "image":
        homes = Homes(tmp_path / "homes")
        yield homes
        homes.close()
        return
    image = tmp_path / "btrfs.img"
    with image.open("wb") as file:
        file.truncate(512 * MEBIBYTE)
    subprocess.run(["mkfs.btrfs", "-q", str(image)], check=True, stdout=subprocess.DEVNULL)
    (tmp_path / "btrfs").mkdir()
    parent, target, file_descriptor = (
        os.open(tmp_path, os.O_DIRECTORY),
        os.open(tmp_path / "btrfs", os.O_DIRECTORY),
        os.open(image, os.O_RDWR),
    )
    mounts.mount_image(file_descriptor, target, kind="btrfs")
    os.close(target)
    homes = Homes(tmp_path / "btrfs" / "homes")
    yield homes
    homes.close()
    wait_until(lambda: mounts.unmount(parent, "btrfs"))
    os.close(parent)
    os.close(file_descriptor)


@pytest.fixture
def images(tmp_path: Path) -> Iterator[Homes]:
    homes = Homes(tmp_path / "homes")
    yield homes
    homes.close()


def test_a_full_home_leaves_room_for_the_others(homes: Homes) -> None:
    full, other = homes.provide(), homes.provide("lee")
    assert (full.stat().st_uid, full.stat().st_mode & 0o7777) == (PERSON, 0o700)
    assert list(full.iterdir()) == []
    assert SIZE_MB // 2 < fill(full) <= SIZE_MB
    (other / "letter").write_bytes(os.urandom(MEBIBYTE))
    assert (other / "letter").stat().st_size == MEBIBYTE


def test_a_home_keeps_its_files_between_two_desktops(homes: Homes) -> None:
    (homes.provide() / "letter").write_text("Dear colleague")
    homes.release()
    assert (homes.provide() / "letter").read_text() == "Dear colleague"


def test_a_larger_limit_makes_room(homes: Homes) -> None:
    before = fill(homes.provide())
    homes.release()
    home = homes.provide(size_mb=2 * SIZE_MB)
    assert (home / "filler").stat().st_size > 0
    (home / "filler").unlink()
    assert fill(home) > before + SIZE_MB // 2


def test_a_home_of_earlier_moves_in_with_everything(homes: Homes) -> None:
    before = content_of(homes.make_plain())
    home = homes.provide()
    assert content_of(home) == before
    assert SIZE_MB // 2 < fill(home) <= SIZE_MB
    assert not (homes.folder / "kim" / "office.moved").exists()
    assert home.stat().st_uid == PERSON


@pytest.mark.parametrize("when", ["in", "after"])
@pytest.mark.parametrize("step", ["create_place", "_copy", "first_difference", "complete"])
def test_nothing_is_lost_when_the_move_is_killed(homes: Homes, step: str, when: str) -> None:
    before = content_of(homes.make_plain())
    with open_folder(homes.descriptor, "kim") as person:
        os.rename("office", "office.moved", src_dir_fd=person, dst_dir_fd=person)
        arguments = [step, when, str(person), "office", str(PERSON), str(SIZE_MB)]
        killed = subprocess.run(
            [sys.executable, "-c", KILLED_MOVE, *arguments], pass_fds=[person], check=False
        )
    assert killed.returncode == -9
    homes.release()  # as the next spawner does it
    assert content_of(homes.provide()) == before
    assert not (homes.folder / "kim" / "office.moved").exists()


def test_a_move_that_was_killed_is_undone_when_no_limit_is_wanted_any_more(homes: Homes) -> None:
    before = content_of(homes.make_plain())
    with open_folder(homes.descriptor, "kim") as person:
        os.rename("office", "office.moved", src_dir_fd=person, dst_dir_fd=person)
        arguments = ["_copy", "after", str(person), "office", str(PERSON), str(SIZE_MB)]
        subprocess.run([sys.executable, "-c", KILLED_MOVE, *arguments], pass_fds=[person], check=False)
    home = homes.provide(size_mb=0)
    assert content_of(home) == before
    assert fill(home) == 4 * SIZE_MB


def test_a_home_that_does_not_fit_stays_as_it_is(homes: Homes) -> None:
    home = homes.make_plain()
    with (home / "larger").open("wb") as file:
        for _ in range(SIZE_MB + 8):
            file.write(os.urandom(MEBIBYTE))
    os.chown(home / "larger", PERSON, PERSON)
    before = content_of(home)
    with pytest.raises(DesktopError, match="could not be moved into its limit") as refused:
        homes.provide()
    assert "allow a larger home" in refused.value.next_step
    assert content_of(homes.provide(size_mb=3 * SIZE_MB)) == before


def test_a_home_in_an_image_stays_there_without_a_limit(images: Homes) -> None:
    (images.provide() / "letter").write_text("Dear colleague")
    images.release()
    assert (images.provide(size_mb=0) / "letter").read_text() == "Dear colleague"


def test_the_next_spawner_finds_the_mounted_image(images: Homes) -> None:
    home = images.provide()
    (home / "letter").write_text("Dear colleague")
    device = home.stat().st_dev
    assert images.provide().stat().st_dev == device
    assert release(images.folder, {("kim", "office")}) == []
    assert (home / "letter").exists()


def test_an_image_is_never_attached_twice(images: Homes) -> None:
    """As for a spawner in another mount namespace: two devices with one image destroy its file system."""
    home = images.provide()
    with (home / "letter").open("w") as keeps_it_busy:
        subprocess.run(["umount", "--lazy", str(home)], check=True)
        assert not (home / "letter").exists()
        keeps_it_busy.write("Dear colleague")
        keeps_it_busy.flush()
        assert (images.provide() / "letter").read_text() == "Dear colleague"


def test_a_home_that_something_reads_is_unmounted_later(images: Homes) -> None:
    home = images.provide()
    with (home / "letter").open("w"):
        assert release(images.folder, ()) == ["kim/office"]
    images.release()
    assert not mounts.mounted_below(images.folder)


def test_deleted_files_give_their_space_back_to_the_host(images: Homes) -> None:
    fill(images.provide())
    images.release()
    image = images.folder / "kim" / "office.img"
    used = image.stat().st_blocks
    (images.provide() / "filler").unlink()
    images.release()
    assert image.stat().st_blocks < used // 2


def test_files_in_place_of_an_image_are_not_hidden(images: Homes) -> None:
    home = images.provide()
    images.release()
    (home / "of-another-version").write_text("not lost")
    with pytest.raises(DesktopError, match="other files lie where the image belongs"):
        images.provide()
    assert (home / "of-another-version").read_text() == "not lost"


@pytest.mark.parametrize("missing", ["mkfs.ext4", "/dev/loop-control"])
def test_a_limit_that_cannot_be_enforced_refuses_the_start(
    images: Homes, monkeypatch: pytest.MonkeyPatch, missing: str
) -> None:
    if missing == "mkfs.ext4":
        monkeypatch.setattr(home_storage, "SEARCH_PATH", "/nonexistent")
    else:
        original = os.open

        def without_loop_devices(path: str, *arguments: int, **named: int) -> int:
            if path == missing:
                raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), path)
            return original(path, *arguments, **named)

        monkeypatch.setattr(os, "open", without_loop_devices)
    with pytest.raises(DesktopError, match="Homes are limited") as refused:
        images.provide()
    assert "isolation.home_gb" in refused.value.next_step


def test_a_damaged_image_is_named(images: Homes) -> None:
    images.provide()
    images.release()
    image = images.folder / "kim" / "office.img"
    with image.open("r+b") as file:
        file.write(bytes(MEBIBYTE))
    with pytest.raises(DesktopError, match="cannot be mounted") as refused:
        images.provide()
    assert "office.img" in refused.value.next_step


@pytest.mark.parametrize("name", ["office.img", "office"])
def test_a_symbolic_link_in_place_of_image_or_home_is_refused(
    images: Homes, tmp_path: Path, name: str
) -> None:
    target = tmp_path / "target"
    target.mkdir()
    (images.folder / "kim").mkdir()
    (images.folder / "kim" / name).symlink_to(target)
    with pytest.raises(OSError, match=r"Too many levels|Not a directory|Is a directory"):
        images.provide()
    assert list(target.iterdir()) == []
    shutil.rmtree(images.folder / "kim")


def test_a_backup_has_the_content_of_a_mounted_home_and_the_image_of_another(
    images: Homes, tmp_path: Path
) -> None:
    (images.provide() / "letter").write_text("Dear colleague")
    images.provide("lee")
    release(images.folder, {("kim", "office")})
    archive, report = tmp_path / "homes.tar", BackupReport()
    with tarfile.open(archive, "w") as written:
        _add_folder(written, images.folder, "homes", report)
    with tarfile.open(archive) as read:
        names = set(read.getnames())
    assert {"homes/kim/office/letter", "homes/lee/office.img"} <= names
    assert "homes/kim/office.img" not in names
