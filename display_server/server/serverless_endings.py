"""Ends isolated desktops while no server runs, which is possible because they outlive the server."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Collection
from pathlib import Path

from sqlalchemy import update

from display_server.broker.audit.append import append
from display_server.broker.audit.entry import Action, AuditEntry, Role
from display_server.broker.folders import DesktopFolders, StateFolder
from display_server.broker.lasting_folder import LastingFolder, sole_server
from display_server.broker.launchers.spawner_client import SpawnerClient
from display_server.broker.session_state import EndedBy, SessionState
from display_server.broker.store import Store
from display_server.broker.tables import Session
from display_server.config import IsolationConfig
from display_server.errors import ConfigurationError
from display_server.server.database import database_of, recorded_choice
from display_server.server.isolation import SpawnerProcess, wait_for_service
from display_server.spawner.messages import StopDesktop


async def end_without_server(
    state_path: Path, config: IsolationConfig, sessions: Collection[str], *, operator: str
) -> None:
    """Ends the desktops, with a spawner that runs only for this unless it is a service, and records the end.

    No server with this state folder can start meanwhile. Raises ConfigurationError when one runs or when this
    user may not do this, and DesktopError when a desktop may go on running.
    """
    if config.spawner == "server" and os.geteuid() != 0:
        raise ConfigurationError(
            "While no server runs, only root can end isolated desktops.",
            hint="Run the command as root, or start the server first.",
        )
    state = StateFolder.open(state_path)
    folder = LastingFolder.of(state.path)
    folders = DesktopFolders(desktops=folder.desktops, homes=state.homes, logs=state.logs)
    async with contextlib.AsyncExitStack() as stack:
        stack.enter_context(sole_server(state))
        if config.spawner == "service":
            await wait_for_service(folder.socket)
        else:
            spawner = SpawnerProcess(config, folders, folder.path)
            stack.push_async_callback(spawner.stop)
            await spawner.start()
        for session in sessions:
            await SpawnerClient(folder.socket).send(StopDesktop(session))
        store = await Store.open(database_of(recorded_choice(state), state))
        stack.push_async_callback(store.close)
        async with store.begin() as db:
            ended = {
                "state": SessionState.ENDED.value,
                "ended_by": EndedBy.OPERATOR.value,
                "changed_s": time.time(),
            }
            rows = await db.execute(
                update(Session)
                .where(Session.id.in_(sessions))
                .values(ended)
                .returning(Session.id, Session.username, Session.desktop)
                .execution_options(synchronize_session=False)
            )
            for session, username, desktop in rows.all():
                entry = AuditEntry(
                    time.time(),
                    Action.DESKTOP_ENDED,
                    account=operator,
                    role=Role.OPERATOR,
                    object=f"desktop:{username}/{desktop}",
                    reason=f"session {session}, ended by: {EndedBy.OPERATOR.value}, without a server",
                )
                await append(db, entry)
