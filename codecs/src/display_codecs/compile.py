"""Compiles `codecs/native` for this machine and for browsers, with the C compiler of PyPI's `ziglang`.

This module imports nothing of the package, because `setup.py` loads it before the package can be imported.
"""

from __future__ import annotations

import platform
import subprocess
import sys
from pathlib import Path

#: Compiler arguments by machine and variant of the shared library. `native.py` loads the variant that suits
#: the processor. Any Linux since 2014 has glibc 2.17.
VARIANTS: dict[str, dict[str, list[str]]] = {
    "x86_64": {
        "v3": ["-target", "x86_64-linux-gnu.2.17", "-mcpu=x86_64_v3"],
        "v2": ["-target", "x86_64-linux-gnu.2.17", "-mcpu=x86_64_v2"],
    },
    "aarch64": {"v8": ["-target", "aarch64-linux-gnu.2.17"]},
}
COMMON = ["-std=c11", "-O3", "-Wall", "-Wextra", "-Werror", "-fno-strict-aliasing", "-fno-sanitize=undefined"]
#: Sources that only a viewer needs, which is no part of the shared library.
VIEWER_SOURCES = frozenset({"surface.c", "wasm.c"})
#: Sources that only an agent needs, which are no part of the decoder for browsers.
AGENT_SOURCES = frozenset({"batch.c", "move.c", "plane_encode.c", "yuv.c"})


class CompileError(Exception):
    """The compiler is missing or failed. The message contains its output."""


def native_folder() -> Path:
    """Returns the folder of the C sources, beside `src/`. Raises CompileError outside of the source tree."""
    folder = Path(__file__).resolve().parents[2] / "native"
    if not (folder / "tile.h").is_file():
        raise CompileError(f"the C sources are not at {folder}: build from the source tree")
    return folder


def compile_c(arguments: list[str], out: Path) -> None:
    """Runs the compiler. Raises CompileError.

    `out` is replaced atomically, so that running processes keep the file that they have loaded.
    """
    scratch = out.with_name(f".{out.name}.new")
    command = [sys.executable, "-m", "ziglang", "cc", *COMMON, *arguments, "-o", str(scratch)]
    completed = subprocess.run(command, capture_output=True, text=True, check=False)
    if completed.returncode:
        raise CompileError(f"{' '.join(command)}\n{completed.stderr.strip()}")
    scratch.replace(out)


def compile_libraries(folder: Path, sources: Path) -> list[Path]:
    """Builds the shared library in every variant for this machine. Returns the files. Raises CompileError."""
    machine = platform.machine()
    if machine not in VARIANTS:
        raise CompileError(f"{machine} is not supported; supported are {', '.join(VARIANTS)}")
    files = _sources(sources, without=VIEWER_SOURCES)
    built = []
    for variant, arguments in VARIANTS[machine].items():
        out = folder / f"display_codecs-{variant}.so"
        compile_c([*arguments, "-shared", "-fPIC", "-fvisibility=hidden", "-s", *files], out)
        built.append(out)
    return built


def compile_wasm(out: Path, sources: Path) -> None:
    """Builds the decoder for browsers. Raises CompileError."""
    out.parent.mkdir(parents=True, exist_ok=True)
    compile_c(
        [
            "-target", "wasm32-freestanding",
            "-mcpu=generic+simd128+bulk_memory+sign_ext+nontrapping_fptoint",
            "-DLB_DECODER_ONLY", "-nostdlib", "-Wl,--no-entry", "-Wl,--strip-all", "-Wl,-z,stack-size=262144",
            *_sources(sources, without=AGENT_SOURCES),
        ],
        out,
    )  # fmt: skip


def _sources(folder: Path, *, without: frozenset[str]) -> list[str]:
    return [str(file) for file in sorted(folder.glob("*.c")) if file.name not in without]
