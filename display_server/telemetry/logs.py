"""The logs of a process on standard error: readable text on a terminal, otherwise a JSON object per line."""

from __future__ import annotations

import logging
import os
import sys
from typing import TextIO, cast

import structlog


class LossyStream:
    """A text stream that drops lines which cannot be written, for example because the disk is full.

    A process must not end because its log cannot be written. `lost` counts the failures.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self.lost = 0

    def write(self, text: str) -> int:
        try:
            return self._stream.write(text)
        except OSError:
            self.lost += 1
            return len(text)

    def flush(self) -> None:
        try:
            self._stream.flush()
        except OSError:
            self.lost += 1


def configure_logs(process: str, *, default_level: str = "info") -> None:
    """Configures structlog. Every line contains `process`.

    The environment variable LIGHTBOX_LOG_LEVEL is debug, info, warning or error.
    """
    level = getattr(logging, os.environ.get("LIGHTBOX_LOG_LEVEL", default_level).upper(), logging.INFO)
    if sys.stderr.isatty():
        rendering: list[structlog.typing.Processor] = [structlog.dev.ConsoleRenderer(pad_event_to=0)]
    else:
        rendering = [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            *rendering,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(cast(TextIO, LossyStream(sys.stderr))),
        cache_logger_on_first_use=True,
    )
    structlog.contextvars.bind_contextvars(process=process)
    # Libraries such as uvicorn and asyncio log errors only.
    logging.basicConfig(
        level=logging.ERROR, stream=sys.stderr, format="%(levelname)s %(name)s %(message)s", force=True
    )
