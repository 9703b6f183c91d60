from __future__ import annotations

import errno
from typing import TextIO, cast

from display_server.telemetry.logs import LossyStream


class Full:
    def write(self, text: str) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    def flush(self) -> None:
        raise BrokenPipeError


def test_a_full_disk_costs_lines_only() -> None:
    stream = LossyStream(cast(TextIO, Full()))
    assert stream.write("line\n") == 5
    stream.flush()
    assert stream.lost == 2
