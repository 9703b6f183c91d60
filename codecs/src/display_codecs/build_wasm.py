"""`python -m display_codecs.build_wasm OUT.wasm` compiles the decoder for browsers."""

from __future__ import annotations

import sys
from pathlib import Path

from display_codecs.compile import CompileError, compile_wasm, native_folder


def main(arguments: list[str]) -> int:
    """Returns the exit code."""
    if len(arguments) != 1:
        print("usage: python -m display_codecs.build_wasm OUT.wasm", file=sys.stderr)
        return 2
    try:
        compile_wasm(Path(arguments[0]), native_folder())
    except CompileError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
