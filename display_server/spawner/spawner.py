"""What the spawner does for each request: containers of desktops, their folders and their homes."""

from __future__ import annotations

import contextlib
import ipaddress
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from display_server.errors import DesktopError
from display_server.process_stat import read_stat
from display_server.spawner import layout
from display_server.spawner.access import admit
from display_server.spawner.bundle import Container, configuration, supervisor_process, write_root
from display_server.spawner.home_storage import provide, release, wipe_place
from display_server.spawner.homes import FOLDER_FLAGS, set_aside, wipe
from display_server.spawner.messages import (
    Answer,
    ExecSupervisor,
    ListDesktops,
    Request,
    RunningContainer,
    SetHomesAside,
    SetNetwork,
    StartDesktop,
    StopDesktop,
    WipeDeletedHomes,
    WipeHome,
    WipeHomes,
)
from display_server.spawner.nested_namespaces import limit_namespaces
from display_server.spawner.network import Networks
from display_server.spawner.network_messages import DEFAULT_NETWORK_RANGE
from display_server.spawner.records import running_container, runs_inside, write_record
from display_server.spawner.runtime import Runtime

_STDERR = 2


@dataclass(frozen=True, slots=True)
class Settings:
    """What the administrator decides. Requests cannot change it."""

    folder: Path  # the spawner's own: socket, bundles, state of the runtime
    homes: Path
    desktops: Path  # where each desktop gets a folder that it shares with the host
    logs: Path | None  # None: desktops log where the spawner does
    id_base: int  # the first host id that desktops may use
    id_count: int
    product: tuple[Path, ...]
    network_range: ipaddress.IPv4Network = DEFAULT_NETWORK_RANGE  # addresses of desktops
    client_uid: int = 0  # the user of the server
    profiles: Path | None = None  # the operator's own
    supervisor: tuple[str, ...] = (sys.executable, "-m", "display_server.supervisor")

    @property
    def deleted_homes(self) -> Path:
        return self.homes.with_name("deleted-homes")

    @property
    def bundles(self) -> Path:
        return self.folder / "bundles"


class Spawner:
    """Serves one request at a time. Each handler raises DesktopError or OSError when it fails."""

    def __init__(
        self,
        settings: Settings,
        containers: Runtime,
        environment: Mapping[str, str],
        log: Callable[[str], None] = print,
    ) -> None:
        self._settings = settings
        self._containers = containers
        self._environment = environment
        self._networks = Networks(settings.folder, settings.bundles, settings.network_range, log)

    def handle(self, request: Request) -> Answer:
        handlers: dict[type[Any], Callable[[Any], Answer]] = {
            StartDesktop: self._start,
            ExecSupervisor: self._exec_supervisor,
            SetNetwork: self._set_network,
            StopDesktop: self._stop,
            ListDesktops: self._list,
            SetHomesAside: self._set_homes_aside,
            WipeHomes: self._wipe_homes,
            WipeHome: self._wipe_home,
            WipeDeletedHomes: self._wipe_deleted_homes,
        }
        try:
            return handlers[type(request)](request)
        except DesktopError as error:
            return Answer(error.cause, error.next_step)
        except subprocess.TimeoutExpired:
            return Answer(
                "The container runtime did not answer in time.",
                "The administrator has to look at what slows this host down.",
            )
        except OSError as error:
            return Answer(
                f"The spawner could not use {error.filename}: {error.strerror}.",
                "The administrator has to check the free space and the permissions there.",
            )

    def maintain(self) -> None:
        """Looks after the networks of desktops. Called at the start and then at intervals."""
        self._networks.maintain()

    def _start(self, request: StartDesktop) -> Answer:
        settings = self._settings
        offset = request.first_id - settings.id_base
        if not 0 <= offset <= settings.id_count - layout.IDS_PER_DESKTOP or offset % layout.IDS_PER_DESKTOP:
            raise DesktopError(
                f"The ids from {request.first_id} are not for desktops.",
                next_step="The administrator has to give server and spawner the same range.",
            )
        bundle = settings.bundles / request.session
        if bundle.exists():
            raise DesktopError(
                f"The session {request.session} exists already.", next_step="Open the desktop again."
            )
        if request.keeps_home and f"{request.username}/{request.desktop}" in self._homes_in_use():
            raise DesktopError(
                f"Another desktop uses the home of {request.username!r} for the desktop {request.desktop!r}.",
                next_step="End it first; `lightbox sessions --orphans` also lists one that nobody can open.",
            )
        container = self._container(request)
        try:
            if request.keeps_home:
                self._make_home(request)
            _make_desktop_folder(container, request.spec, settings.client_uid)
            _write_bundle(container, bundle)
            self._containers.run(request.session, bundle)
            if request.nested_namespaces:
                limit_namespaces(self._containers, request.session)
            record = self._describe(request)
            if request.network.destinations or request.network.names:
                number = offset // layout.IDS_PER_DESKTOP
                self._networks.attach(bundle, record.init_pid, number, request.network)
            write_record(bundle, record)
            self._execute_supervisor(request.session, bundle, request.desktop)
        except BaseException:
            self._stop(StopDesktop(request.session))
            raise
        return Answer()

    def _exec_supervisor(self, request: ExecSupervisor) -> Answer:
        bundle = self._settings.bundles / request.session
        container = running_container(bundle)
        if container is None:
            raise DesktopError(
                "This desktop does not run any more.", next_step="Open it again; its programs have ended."
            )
        with contextlib.suppress(FileNotFoundError, ValueError):
            if runs_inside(int((bundle / "supervisor.pid").read_text()), container):
                return Answer()
        self._execute_supervisor(request.session, bundle, container.desktop)
        return Answer()

    def _set_network(self, request: SetNetwork) -> Answer:
        bundle = self._settings.bundles / request.session
        container = running_container(bundle)
        self._networks.change(bundle, container.init_pid if container else None, request.network)
        return Answer()

    def _stop(self, request: StopDesktop) -> Answer:
        self._containers.remove(request.session)
        self._networks.detach(self._settings.bundles / request.session)
        shutil.rmtree(self._settings.bundles / request.session, ignore_errors=True)
        shutil.rmtree(self._settings.desktops / request.session, ignore_errors=True)
        self._release_homes()
        return Answer()

    def _list(self, _request: ListDesktops) -> Answer:
        found = []
        for bundle in sorted(self._settings.bundles.iterdir()):
            container = running_container(bundle)
            if container is not None:
                found.append(container)
            else:  # the container has ended, or a spawner was killed while it started the container
                self._stop(StopDesktop(bundle.name))
        self._release_homes()
        return Answer(containers=found)

    def _set_homes_aside(self, request: SetHomesAside) -> Answer:
        self._require_unused(request.username)
        folder = self._settings.deleted_homes
        folder.mkdir(mode=0o700, exist_ok=True)
        with _opened(self._settings.homes) as homes, _opened(folder) as deleted:
            name = set_aside(homes, deleted, request.username, time.strftime("%Y%m%d-%H%M%S"))
        return Answer(deleted_homes=name)

    def _wipe_homes(self, request: WipeHomes) -> Answer:
        self._require_unused(request.username)
        with _opened(self._settings.homes) as homes:
            wipe(homes, request.username)
        return Answer()

    def _wipe_home(self, request: WipeHome) -> Answer:
        used = self._homes_in_use() | set(self._release_homes())
        if f"{request.username}/{request.desktop}" in used:
            raise DesktopError(
                f"A desktop or another program uses the home of {request.username!r} for the desktop "
                f"{request.desktop!r}.",
                next_step="End the desktop first, and close whatever reads the home.",
            )
        with _opened(self._settings.homes) as homes:
            wipe_place(homes, request.username, request.desktop)
        return Answer()

    def _wipe_deleted_homes(self, request: WipeDeletedHomes) -> Answer:
        with contextlib.suppress(FileNotFoundError), _opened(self._settings.deleted_homes) as deleted:
            wipe(deleted, request.folder)
        return Answer()

    def _release_homes(self) -> list[str]:
        """Unmounts the homes that no container uses. Returns those that something else keeps busy."""
        return release(self._settings.homes, {tuple(name.split("/")) for name in self._homes_in_use()})

    def _homes_in_use(self) -> set[str]:
        """Returns the homes of the containers that run, as `USERNAME/DESKTOP`."""
        containers = map(running_container, self._settings.bundles.iterdir())
        return {f"{found.username}/{found.desktop}" for found in containers if found is not None}

    def _require_unused(self, username: str) -> None:
        """Raises DesktopError while a desktop or anything else uses the homes of a person."""
        busy = {name.partition("/")[0] for name in self._release_homes()}
        containers = map(running_container, self._settings.bundles.iterdir())
        if username in busy | {found.username for found in containers if found is not None}:
            raise DesktopError(
                f"A desktop or another program uses the homes of {username!r}.",
                next_step="End their desktops first, and close whatever reads the homes.",
            )

    def _describe(self, request: StartDesktop) -> RunningContainer:
        pid = self._containers.init_pid(request.session)
        stat = read_stat(pid) if pid is not None else None
        if pid is None or stat is None:
            raise DesktopError("The container of this desktop ended at once.", next_step="Open it again.")
        return RunningContainer(
            session=request.session,
            username=request.username,
            desktop=request.desktop,
            first_id=request.first_id,
            spec=request.spec,
            init_pid=pid,
            init_start_ticks=stat.start_ticks,
        )

    def _container(self, request: StartDesktop) -> Container:
        return Container(
            session=request.session,
            person_name=layout.person_name(request.username),
            hostname=request.desktop,
            first_id=request.first_id,
            limits=request.limits,
            home=self._settings.homes / request.username / request.desktop if request.keeps_home else None,
            folder=self._settings.desktops / request.session,
            product=self._settings.product,
            command=(*self._settings.supervisor, layout.DESKTOP_FOLDER),
            environment={
                **self._environment,
                **({layout.PROFILES_VARIABLE: layout.PROFILES_FOLDER} if self._settings.profiles else {}),
            },
            nested_namespaces=request.nested_namespaces,
            profiles=self._settings.profiles,
        )

    def _make_home(self, request: StartDesktop) -> None:
        uid = host_id(request, layout.PERSON_ID)
        with _opened(self._settings.homes) as homes:
            provide(homes, request.username, request.desktop, uid, request.limits.home_mb)

    def _execute_supervisor(self, session: str, bundle: Path, desktop: str) -> None:
        log = self._open_log(desktop)
        try:
            self._containers.execute(session, bundle, bundle / "process.json", bundle / "supervisor.pid", log)
        finally:
            os.close(log)

    def _open_log(self, desktop: str) -> int:
        """Returns a descriptor that the caller closes."""
        if self._settings.logs is None:
            return os.dup(_STDERR)
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW
        return os.open(self._settings.logs / f"{desktop}.log", flags, 0o600)


@contextlib.contextmanager
def _opened(folder: Path) -> Iterator[int]:
    descriptor = os.open(folder, FOLDER_FLAGS)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def host_id(request: StartDesktop, inside: int) -> int:
    """Returns the id on the host of a user of the container."""
    return request.first_id + layout.INSIDE_IDS.index(inside)


def _make_desktop_folder(container: Container, spec: str, client_uid: int) -> None:
    """Creates the folder that host and container share. The container's root owns it, and the group of the
    display user may write there; files inside inherit that group. A server that is not root may look inside;
    the sockets there check who connects.
    """
    root_id = container.first_id + layout.INSIDE_IDS.index(layout.ROOT_ID)
    display_id = container.first_id + layout.INSIDE_IDS.index(layout.DISPLAY_ID)
    container.folder.mkdir(mode=0o700)
    file = container.folder / "spec.json"
    file.write_text(spec, "utf-8")
    os.chown(file, root_id, display_id)
    file.chmod(0o640)
    os.chown(container.folder, root_id, display_id)
    container.folder.chmod(0o3770)  # nobody replaces the files of another user
    if client_uid != 0:
        admit(file, client_uid, 4)
        admit(container.folder, client_uid, 5)


def _write_bundle(container: Container, bundle: Path) -> None:
    """Writes the OCI bundle, and what `exec_supervisor` needs later."""
    (bundle / "rootfs").mkdir(parents=True)
    bundle.chmod(0o711)  # the container's root passes through
    (bundle / "rootfs").chmod(0o755)
    before = os.umask(0o022)
    try:
        write_root(container, bundle / "rootfs")
    finally:
        os.umask(before)
    (bundle / "config.json").write_text(json.dumps(configuration(container)))
    (bundle / "process.json").write_text(json.dumps(supervisor_process(container)))
