"""Feeds mutated inputs to a target, and reports crashes and leaks."""

from __future__ import annotations

import asyncio
import gc
import hashlib
import logging
import os
import random
import resource
import sys
import traceback
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import structlog

from tests.fuzz.mutation import Mutator

#: Inputs that found a fault, in a folder for each target. Each campaign begins with them.
KEPT = Path(__file__).with_name("kept")
#: Fraction of the inputs after which memory is measured first: by then caches are full.
WARM_UP = 0.2
#: What may be allocated at the end beyond what it was then. What is kept for each input would be far more.
BLOCKS_MAX = 1500
#: The same for the memory of the process, which native code uses too, bytes.
RESIDENT_MAX_BYTES = 24 << 20
#: Crashes after which a campaign ends early.
CRASHES_MAX = 20


@dataclass(frozen=True, slots=True)
class FuzzTarget:
    """A part of the product that reads what others send.

    `feed` returns whether it accepted an input. It raises for an answer that no input may cause.
    """

    name: str
    seeds: tuple[bytes, ...]
    feed: Callable[[bytes], Awaitable[bool]]


@dataclass(frozen=True, slots=True)
class Crash:
    """An input and the error that it caused."""

    data: bytes
    error: str


@dataclass(slots=True)
class Report:
    """What a campaign found."""

    target: str
    inputs: int = 0
    accepted: int = 0
    crashes: list[Crash] = field(default_factory=list)
    leaks: list[str] = field(default_factory=list)

    @property
    def faults(self) -> int:
        return len(self.crashes) + len(self.leaks)

    def __str__(self) -> str:
        text = f"{self.target}: {self.inputs} inputs, {self.accepted} accepted, {len(self.crashes)} crashes"
        return f"{text}, leaks: {', '.join(self.leaks) or 'none'}"


async def run_campaign(target: FuzzTarget, inputs: int, seed: int) -> Report:
    """Feeds the kept inputs, the seeds and then mutations until there were `inputs` of them."""
    draw = random.Random(f"{target.name} {seed}")
    mutator = Mutator(draw, target.seeds)
    report = Report(target.name)
    with _recorded_errors() as errors:
        for data in (*kept_inputs(target.name), *target.seeds):
            await _feed(target, data, errors, report)
        before: Mapping[str, int] = {}
        while report.inputs < inputs and len(report.crashes) < CRASHES_MAX:
            if not before and report.inputs >= inputs * WARM_UP:
                before = _resources()
            await _feed(target, mutator.mutate(draw.choice(target.seeds)), errors, report)
    if not report.crashes:  # a traceback keeps what its frames refer to
        report.leaks = _leaks(before, _resources())
    return report


async def _feed(target: FuzzTarget, data: bytes, errors: list[str], report: Report) -> None:
    report.inputs += 1
    try:
        report.accepted += await target.feed(data)
    except Exception:
        errors.append(traceback.format_exc())
    if errors:
        report.crashes.append(Crash(data, "\n".join(errors)))
        errors.clear()


def kept_inputs(name: str) -> list[bytes]:
    return [file.read_bytes() for file in sorted((KEPT / name).glob("*.bin"))]


def keep(name: str, data: bytes) -> Path:
    """Writes an input that found a fault to the files that each later campaign begins with."""
    path = KEPT / name / f"{hashlib.sha256(data).hexdigest()[:16]}.bin"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


@contextmanager
def _recorded_errors() -> Iterator[list[str]]:
    """Records what the product logs as an error, and what the event loop has to handle itself."""
    errors: list[str] = []

    def record(_logger: Any, method: str, event: Any) -> Any:
        if method in {"error", "exception", "critical"}:
            errors.append(f"logged: {event} {traceback.format_exc()}")
        raise structlog.DropEvent

    class Recorder(logging.Handler):
        def emit(self, entry: logging.LogRecord) -> None:
            errors.append(f"logged: {entry.getMessage()} {traceback.format_exc()}")

    loop = asyncio.get_running_loop()
    configured, handled, handler = (
        structlog.get_config(),
        loop.get_exception_handler(),
        Recorder(logging.ERROR),
    )
    structlog.configure(processors=[record], cache_logger_on_first_use=False)
    loop.set_exception_handler(lambda _, context: errors.append(f"event loop: {context}"))
    logging.getLogger().addHandler(handler)
    logging.disable(logging.WARNING)  # a test run keeps what is logged, which would count as a leak
    try:
        yield errors
    finally:
        logging.disable(logging.NOTSET)
        logging.getLogger().removeHandler(handler)
        loop.set_exception_handler(handled)
        structlog.configure(**configured)


def _resources() -> Mapping[str, int]:
    gc.collect()
    page = resource.getpagesize()
    return {
        "blocks": sys.getallocatedblocks(),
        "resident": int(Path("/proc/self/statm").read_text().split()[1]) * page,
        "descriptors": len(os.listdir("/proc/self/fd")),  # noqa: PTH208 - there are no paths
        "tasks": len(asyncio.all_tasks()),
    }


def _leaks(before: Mapping[str, int], after: Mapping[str, int]) -> list[str]:
    limits = {"blocks": BLOCKS_MAX, "resident": RESIDENT_MAX_BYTES, "descriptors": 0, "tasks": 0}
    grown = {name: after[name] - before[name] for name in limits}
    return [f"{amount} {name}" for name, amount in grown.items() if amount > limits[name]]
