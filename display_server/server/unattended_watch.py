"""Ends desktops that nobody has displayed for the configured time, and reports programs that hang there."""

from __future__ import annotations

import asyncio

import structlog

from display_server.broker.api.desktop_endings import attended_sessions, end_session
from display_server.broker.api.services import BrokerServices
from display_server.broker.container_processes import container_processes
from display_server.broker.process_table import below, read_process_table
from display_server.broker.session_state import EndedBy, SessionState
from display_server.config import Config

log = structlog.get_logger(__name__)

#: Interval between two looks at which desktops are displayed, s.
ATTENDANCE_INTERVAL_S = 2.0
#: Number of looks between two readings of the processor time of programs.
PROCESSOR_EVERY = 15


def use_unattended_limits(services: BrokerServices, config: Config) -> None:
    """Puts the limits of the configuration into force, also for desktops that run."""
    hours = config.unattended.end_after_hours
    services.unattended.use_limit(hours * 3600 if hours > 0 else None)
    services.busy_processes.use_limit(config.unattended.report_busy_after_minutes * 60)


async def watch_unattended(services: BrokerServices) -> None:
    """Runs until it is cancelled."""
    looks = 0
    while True:
        end_unattended(services)
        end_overdue(services)
        await services.policy_watch.warn()
        if looks % PROCESSOR_EVERY == 0:
            await report_busy_processes(services)
        looks += 1
        await asyncio.sleep(ATTENDANCE_INTERVAL_S)


def end_unattended(services: BrokerServices) -> None:
    """Ends the desktops whose time is over."""
    now_s = services.monotonic_s()
    services.unattended.observe(
        [session.id for session in services.sessions.live() if session.opened],
        attended_sessions(services),
        now_s,
        services.pools.unattended_limits_s(),
        services.policy_watch.unattended_limits_s,
    )
    for session_id in services.unattended.due(now_s):
        session = services.sessions.by_id(session_id)
        if session is not None:
            end_session(services, session, EndedBy.UNATTENDED)


def end_overdue(services: BrokerServices) -> None:
    """Ends the desktops that have reached the longest time that a policy allows, displayed or not."""
    for session_id in services.policy_watch.session_limits.due(services.web_sessions.now_s()):
        session = services.sessions.by_id(session_id)
        if session is not None:
            end_session(services, session, EndedBy.TIME_LIMIT)


async def report_busy_processes(services: BrokerServices) -> None:
    """Logs the programs of unattended desktops that keep using the processor, and how to end them."""
    supervisors: dict[str, int] = {}
    isolated: list[str] = []
    for session_id in services.unattended.unattended():
        session = services.sessions.by_id(session_id)
        if session is None or session.running is None or session.state is not SessionState.READY:
            continue
        if session.running.isolated:
            isolated.append(session_id)
        elif (status := session.running.status()) is not None:
            supervisors[session_id] = status.pids.supervisor
    table = await asyncio.to_thread(read_process_table) if supervisors or isolated else {}
    containers = await asyncio.to_thread(container_processes) if isolated else {}
    samples = [
        (session_id, sample)
        for session_id, supervisor in supervisors.items()
        for sample in below(table, supervisor)
    ]
    samples += [
        (session_id, table[pid].sample)
        for session_id in isolated
        for pid in containers.get(session_id, {}).values()
        if pid in table
    ]
    for process in services.busy_processes.observe(samples, services.monotonic_s()):
        session = services.sessions.by_id(process.session)
        if session is None:
            continue
        log.warning(
            "program on an unattended desktop keeps using the processor",
            session=process.session,
            username=session.username,
            desktop=session.spec.desktop,
            program=process.program,
            pid=process.pid,
            processors=round(process.load, 2),
            next_step=f"`kill {process.pid}` ends the program, `lightbox sessions end {process.session}` the "
            "whole desktop.",
        )
