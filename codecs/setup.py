"""Compiles the C part while the package is built; everything else is in pyproject.toml."""

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
    """Builds the shared libraries beside the modules, where an editable installation finds them as well."""

    def run(self):
        compile_codecs.compile_libraries(PACKAGE, HERE / "native")
        super().run()


class NativeDistribution(Distribution):
    """Holds machine code, although no CPython extension: the wheel must not claim to run anywhere."""

    def has_ext_modules(self):
        return True


class AnyPython(bdist_wheel):
    """The libraries are loaded by ctypes: bound to the platform, not to a version of Python."""

    def get_tag(self):
        return "py3", "none", super().get_tag()[2]


setup(cmdclass={"build_py": BuildLibraries, "bdist_wheel": AnyPython}, distclass=NativeDistribution)
