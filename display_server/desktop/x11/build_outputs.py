"""`python -m display_server.desktop.x11.build_outputs` compiles `native/outputs.c`."""

from __future__ import annotations

import platform
import sys

from display_codecs.compile import CompileError, compile_c

from display_server.desktop.x11.outputs import OUTPUTS_LIBRARY

#: The oldest C library that the result runs with; every Linux distribution since 2014 has it.
GLIBC_VERSION = "2.17"


def main() -> int:
    """Returns the exit code."""
    source = OUTPUTS_LIBRARY.with_suffix(".c")
    target = f"{platform.machine()}-linux-gnu.{GLIBC_VERSION}"
    try:
        compile_c(["-target", target, "-shared", "-fPIC", "-s", str(source), "-ldl"], OUTPUTS_LIBRARY)
    except CompileError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
