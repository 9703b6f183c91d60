"""Compiles the C sources when the package is built. Everything else is in pyproject.toml."""

import importlib.util
from pathlib import Path

from setuptools import Distribution, setup
from setuptools.command.bdist_wheel import bdist_wheel
from setuptools.command.build_py import build_py

HERE = Path(__file__).resolve().parent
PACKAGE = HERE / "src" / "display_codecs"

specification = importlib.util.spec_from_file_location("compile_codecs", PACKAGE / "compile.py")
compile_codecs = importlib.util.module_from_spec(specification)
specification.loader.exec_module(compile_codecs)


class BuildLibraries(build_py):
    """Builds the shared libraries next to the modules, where an editable installation finds them too."""

    def run(self):
        compile_codecs.compile_libraries(PACKAGE, HERE / "native")
        super().run()


class NativeDistribution(Distribution):
    """Marks the wheel as one for this platform: it contains machine code, although no CPython extension."""

    def has_ext_modules(self):
        return True


class AnyPython(bdist_wheel):
    """Marks the wheel as one for any Python 3, because ctypes loads the libraries."""

    def get_tag(self):
        return "py3", "none", super().get_tag()[2]


setup(cmdclass={"build_py": BuildLibraries, "bdist_wheel": AnyPython}, distclass=NativeDistribution)
