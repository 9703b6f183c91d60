"""The input method that Korean users of Linux have: ibus with Hangul, on an X server of the test's own."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from pathlib import Path

from tests.e2e.processes import Program, wait_for

#: The engine asks for its settings and gives up without an answer; this one keeps them in memory.
SETTINGS = "/usr/libexec/ibus-memconf"
START_TIMEOUT_S = 20.0
CALL_TIMEOUT_S = 10.0


class HangulInputMethod:
    """Starts off: keys are Latin until the 한/영 key is pressed."""

    def __init__(self, log: Path, folder: Path, environment: Mapping[str, str]) -> None:
        address = f"unix:path={folder}/ibus"
        #: For the programs that shall use it.
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
