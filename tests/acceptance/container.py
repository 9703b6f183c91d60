"""Builds the image of deploy/Containerfile, and opens the desktop of its demo.

`python -m tests.acceptance.container [RELEASE]` builds the wheel and, with buildah, the image on a base image
that is imported from debootstrap, `trixie` unless another release is named. Neither an image registry nor a
running engine is needed. The demo runs in the image as it does in a container, except that it shares the
network with this host. A browser of this host signs in and opens the radiology desktop. The exit code is 0 if
it became *Exact*.
"""

from __future__ import annotations

import argparse
import contextlib
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from benchmarks.acceptance.commands import REACHED
from tests.acceptance.clean_install import build_wheel, open_desktop, ready_line
from tests.acceptance.clean_root import TRUSTED, clean_root
from tests.acceptance.command import exit_with, note, run_program
from tests.e2e.processes import Program, free_port

ROOT = Path(__file__).parents[2]
BASE, IMAGE = "localhost/clean-debian", "localhost/lightbox"


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.acceptance.container", description=__doc__)
    parser.add_argument("release", nargs="?", default="trixie")
    parser.add_argument("--screenshots", type=Path, metavar="DIR")
    arguments = parser.parse_args()
    if shutil.which("buildah") is None:
        raise RuntimeError("buildah is missing: apt install buildah")
    dist = build_wheel().parent
    with storage() as buildah:
        import_base(buildah, arguments.release)
        build = ("build", "--isolation", "chroot", "--network", "host", "--build-arg", f"BASE={BASE}")
        run_program(
            [*buildah, *build, "--tag", IMAGE, "--file", str(ROOT / "deploy/Containerfile"), str(dist)]
        )
        note("the image is built")
        (container,) = run_program([*buildah, "from", IMAGE]).split()
        words = ("lightbox", "demo", "--json", "--host", "127.0.0.1", "--port", str(free_port()))
        with tempfile.TemporaryDirectory(prefix="acceptance-") as name:
            log, line = Path(name) / "demo.log", Path(name) / "ready.json"
            with line.open("wb") as output:
                program = Program(
                    [*buildah, "run", "--isolation", "chroot", container, "--", *words],
                    log=log,
                    stdout=output,
                )
            try:
                open_desktop("container", ready_line(program, line), arguments.screenshots)
            finally:
                program.stop()
    note("the demo of the image is exact")
    return REACHED


@contextlib.contextmanager
def storage() -> Iterator[list[str]]:
    """Yields the beginning of buildah's command, with a storage of its own that is removed afterwards."""
    with tempfile.TemporaryDirectory(prefix="lightbox-images-") as name:
        yield ["buildah", "--root", f"{name}/root", "--runroot", f"{name}/run", "--storage-driver", "vfs"]


def import_base(buildah: list[str], release: str) -> None:
    """Creates the base image from a clean Debian. pip trusts the certificates that this host trusts."""
    with clean_root(release) as root:
        (root.folder / "etc/pip.conf").write_text(f"[global]\ncert = {TRUSTED}\n")
        (container,) = run_program([*buildah, "from", "scratch"]).split()
        run_program([*buildah, "copy", container, str(root.folder), "/"])
        run_program([*buildah, "commit", "--rm", container, BASE])


if __name__ == "__main__":
    exit_with(main)
