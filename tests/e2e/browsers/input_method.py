"""Runs ibus with Hangul, the usual Korean input method on Linux, on a test's own X server."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from pathlib import Path

from tests.e2e.processes import Program, wait_for

#: Service that keeps the settings in memory. Without one the engine does not start.
SETTINGS = "/usr/libexec/ibus-memconf"
#: How long the input method may take to start, s.
START_TIMEOUT_S = 90.0
#: How long one `ibus` command may take, s.
CALL_TIMEOUT_S = 120.0


class HangulInputMethod:
    """A running input method. Keys are Latin until the 한/영 key is pressed."""

    def __init__(self, log: Path, folder: Path, environment: Mapping[str, str]) -> None:
        address = f"unix:path={folder}/ibus"
        #: Environment of the programs that use the input method.
        self.environment = {
            **environment,
            "IBUS_ADDRESS": address,
            "GTK_IM_MODULE": "ibus",
            "XMODIFIERS": "@im=ibus",
            "GSETTINGS_BACKEND": "memory",
            "IBUS_ENABLE_SYNC_MODE": "1",
            "XDG_RUNTIME_DIR": str(folder),
        }
        command = ["ibus-daemon", f"--address={address}", f"--config={SETTINGS}"]
        command += ["--panel=disable", "--emoji-extension=disable"]
        self.program = Program(command, log=log, env=self.environment)

        def chosen() -> bool:
            assert self.program.running, f"ibus-daemon ended:\n{self.program.log_tail()}"
            done = subprocess.run(
                ["ibus", "engine", "hangul"],
                env=self.environment,
                capture_output=True,
                timeout=CALL_TIMEOUT_S,
                check=False,
            )
            return done.returncode == 0

        try:
            wait_for(chosen, timeout_s=START_TIMEOUT_S, what="the Hangul input method", every_s=0.3)
        except BaseException:
            self.program.stop()
            raise
