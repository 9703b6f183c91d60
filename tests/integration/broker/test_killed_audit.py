"""Acts are chained in their order and exactly once, although the process is killed again and again."""

from __future__ import annotations

import random
import subprocess
import sys
from pathlib import Path

from display_server.broker.audit import keeping
from display_server.broker.audit.reading import Filter, every
from display_server.broker.audit.trail import AuditTrail
from display_server.broker.audit.verification import describe
from display_server.broker.store import Store
from tests.fakes.audit_chain import KEY

KILLS = 4


def run_and_kill(folder: Path, first: int, draw: random.Random) -> list[int]:
    """Returns the numbers of the acts that were recorded for certain."""
    seed = str(draw.randrange(1_000_000))
    command = [sys.executable, "-m", "tests.fakes.killed_audit", str(folder), str(first), seed]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        printed = [process.stdout.readline() for _ in range(draw.randrange(20, 120))]
        process.kill()
        printed += process.stdout.readlines()  # before it died
    # Without its log.
    return [int(line) for line in printed if line.endswith("\n") and line.strip().isdigit()]


async def test_acts_are_chained_exactly_once_when_the_process_is_killed(folder: Path) -> None:
    draw = random.Random(5)
    await (await Store.open(folder / "lightbox.db")).close()
    acknowledged: list[int] = []
    for _ in range(KILLS):
        # One act may have been recorded whose number was not printed any more.
        first = acknowledged[-1] + 2 if acknowledged else 0
        acknowledged += run_and_kill(folder, first, draw)
    store = await Store.open(folder / "lightbox.db")
    try:
        await AuditTrail(store, folder / "audit-spool").examine()
        reasons = [row.reason or "" async for row in every(store, Filter())]
        report = await keeping.verify(store, KEY.public_key())
    finally:
        await store.close()
    numbers = [int(reason.removeprefix("reason ")) for reason in reasons]
    assert numbers == sorted(set(numbers)), "in their order, and none twice"
    assert set(acknowledged) <= set(numbers), "none is lost"
    assert len(set(numbers) - set(acknowledged)) <= KILLS
    assert report.intact, describe(report)
