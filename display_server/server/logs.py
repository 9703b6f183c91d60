"""The logs of the server process on standard error: readable text on a terminal, JSON lines otherwise."""

from __future__ import annotations

import logging
import os
import sys
from typing import TextIO, cast

import structlog

from display_server.telemetry.logs import LossyStream


def configure_logs() -> None:
    """Configures structlog. `LIGHTBOX_LOG_LEVEL` is debug, info (the default), warning or error."""
    level = getattr(logging, os.environ.get("LIGHTBOX_LOG_LEVEL", "info").upper(), logging.INFO)
    renderer: structlog.typing.Processor = (
        structlog.dev.ConsoleRenderer(pad_event_to=0)
        if sys.stderr.isatty()
        else structlog.processors.JSONRenderer()
    )
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(cast(TextIO, LossyStream(sys.stderr))),
        cache_logger_on_first_use=True,
    )
    # Libraries such as uvicorn and asyncio log errors only.
    logging.basicConfig(
        level=logging.ERROR, stream=sys.stderr, format="%(levelname)s %(name)s %(message)s", force=True
    )
