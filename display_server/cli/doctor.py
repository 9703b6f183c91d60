"""`lightbox doctor`: examines this host."""

from __future__ import annotations

import json
import os
import sys

from display_server.cli.options import EXIT_FAILED, ConfigOption, JsonOption, StateOption


def doctor(state: StateOption = None, config: ConfigOption = None, json_output: JsonOption = False) -> None:
    """Check what is missing on this host, and how to get it.

    The exit code is 1 if something is missing that Lightbox cannot run without.
    """
    from display_server.config import load
    from display_server.server.doctor import examine, install_command

    loaded = load(config, os.environ)
    findings = examine(loaded, state or loaded.state)
    if json_output:
        print(json.dumps([finding.as_dict() for finding in findings]))
    else:
        for finding in findings:
            print(finding.as_line())
        if command := install_command(findings):
            print(f"\nThis command installs all missing Debian packages:\n{command}")
    if any(not finding.ok and finding.mandatory for finding in findings):
        sys.exit(EXIT_FAILED)
