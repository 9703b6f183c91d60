"""Compiles `codecs/native` with the C compiler of PyPI's `ziglang`: for this machine, and for the browser.

Stands on its own (no import of the package), because `setup.py` loads it before the package can be imported.
"""

from __future__ import annotations

import platform
import subprocess
import sys
from pathlib import Path

#: Shared libraries by machine; the loader takes the first that the processor can run.
#: glibc 2.17 is what any Linux since 2014 has.
VARIANTS: dict[str, dict[str, list[str]]] = {
    "x86_64": {
        "v3": ["-target", "x86_64-linux-gnu.2.17", "-mcpu=x86_64_v3"],
        "v2": ["-target", "x86_64-linux-gnu.2.17", "-mcpu=x86_64_v2"],
    },
    "aarch64": {"v8": ["-target", "aarch64-linux-gnu.2.17"]},
}
COMMON = ["-std=c11", "-O3", "-Wall", "-Wextra", "-Werror", "-fno-strict-aliasing", "-fno-sanitize=undefined"]
#: What only a viewer needs.
VIEWER_SOURCES = ("surface.c", "wasm.c")
#: Sources of the decoder alone, which is what the browser gets.
DECODER_SOURCES = (
    "colour.c", "digest.c", "grey.c", "palette.c", "plane_decode.c", "plane_tables.c",
    "raw.c", "registry.c", "solid.c", *VIEWER_SOURCES,
)  # fmt: skip


class CompileError(Exception):
    """The compiler is missing or refused; `str()` has its words."""


def native_folder() -> Path:
    """Where the C sources are: beside `src/` in the source tree."""
    folder = Path(__file__).resolve().parents[2] / "native"
    if not (folder / "tile.h").is_file():
        raise CompileError(f"the C sources are not at {folder}: build from the source tree")
    return folder


def compile_c(arguments: list[str], out: Path) -> None:
    """Runs the compiler. `out` is replaced at once: who runs keeps the old one. Raises CompileError."""
    scratch = out.with_name(f".{out.name}.new")
    command = [sys.executable, "-m", "ziglang", "cc", *COMMON, *arguments, "-o", str(scratch)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise CompileError(f"{' '.join(command)}\n{done.stderr.strip()}")
    scratch.replace(out)


def compile_libraries(folder: Path, sources: Path) -> list[Path]:
    """Builds every variant for this machine into `folder`. Raises CompileError."""
    machine = platform.machine()
    if machine not in VARIANTS:
        raise CompileError(f"no build for {machine}; known: {', '.join(VARIANTS)}")
    files = [str(file) for file in sorted(sources.glob("*.c")) if file.name not in VIEWER_SOURCES]
    built = []
    for variant, arguments in VARIANTS[machine].items():
        out = folder / f"display_codecs-{variant}.so"
        compile_c([*arguments, "-shared", "-fPIC", "-fvisibility=hidden", "-s", *files], out)
        built.append(out)
    return built


def compile_wasm(out: Path, sources: Path) -> None:
    """Builds the browser's decoder. Raises CompileError."""
    out.parent.mkdir(parents=True, exist_ok=True)
    compile_c(
        [
            "-target", "wasm32-freestanding",
            "-mcpu=generic+simd128+bulk_memory+sign_ext+nontrapping_fptoint",
            "-DLB_DECODER_ONLY", "-nostdlib", "-Wl,--no-entry", "-Wl,--strip-all", "-Wl,-z,stack-size=262144",
            *(str(sources / name) for name in DECODER_SOURCES),
        ],
        out,
    )  # fmt: skip
