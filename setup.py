"""Adds what is compiled to the wheel: the codec, the library for several outputs and the web client.

Everything else is in pyproject.toml. `make dist` builds what this file only collects.
"""

import importlib.util
import os
import platform
import shutil
from pathlib import Path

from setuptools import Distribution, setup
from setuptools.command.bdist_wheel import bdist_wheel
from setuptools.command.build_py import build_py

ROOT = Path(__file__).resolve().parent
CODEC = ROOT / "codecs" / "src" / "display_codecs"
OUTPUTS_LIBRARY = ROOT / "display_server" / "desktop" / "x11" / "native" / "outputs.so"
WEB_CLIENT = ROOT / "clients" / "web" / "dist"
#: Where `display_server.config` looks for the web client of an installed wheel.
INSTALLED_WEB_CLIENT = Path("display_server", "web_client")

specification = importlib.util.spec_from_file_location("compile_codecs", CODEC / "compile.py")
compile_codecs = importlib.util.module_from_spec(specification)
specification.loader.exec_module(compile_codecs)


class BuildParts(build_py):
    """Compiles the codec next to its modules, where an editable installation finds it too."""

    def run(self):
        compile_codecs.compile_libraries(CODEC, ROOT / "codecs" / "native")
        if self.editable_mode:
            super().run()
            return
        for part in (OUTPUTS_LIBRARY, WEB_CLIENT / "index.html"):
            if not part.is_file():
                raise SystemExit(f"{part} has not been built: `make dist` builds it, and then the wheel")
        super().run()
        shutil.copytree(WEB_CLIENT, Path(self.build_lib) / INSTALLED_WEB_CLIENT, dirs_exist_ok=True)
        # The same tree gives the same wheel, whatever the umask of whoever checked it out.
        for file in Path(self.build_lib).rglob("*"):
            file.chmod(0o755 if file.is_dir() else 0o644)


class NativeDistribution(Distribution):
    """Marks the wheel as one for this platform: it contains machine code, although no CPython extension."""

    def has_ext_modules(self):
        return True


class AnyPython(bdist_wheel):
    """Marks the wheel as one for any Python 3, because ctypes loads the libraries, and for the C library that
    they are compiled for.
    """

    def get_tag(self):
        return "py3", "none", f"manylinux_2_17_{platform.machine()}"


os.umask(0o022)  # for the files that describe the wheel
setup(cmdclass={"build_py": BuildParts, "bdist_wheel": AnyPython}, distclass=NativeDistribution)
