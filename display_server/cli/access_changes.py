"""Makes changes of groups and entitlements effective in the servers that run, and says what they did."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from display_server.cli.storage import operator_name
from display_server.errors import Malfunction

if TYPE_CHECKING:
    from display_server.server.operator_requests import AccessReviewed


def report_change(folder: Path, done: str, *, json_output: bool) -> None:
    """Has the servers act on a change, and says what was done. `done` is a sentence about the change itself.

    Raises Malfunction when a server does not answer.
    """
    reviewed = _review(folder, done)
    if json_output:
        print(
            json.dumps(
                {
                    "ended": reviewed.ended,
                    "warned": reviewed.warned,
                    "until_sign_out": reviewed.until_sign_out,
                }
            )
        )
    else:
        print(f"{done}{_effects(reviewed)}", file=sys.stderr)


def _review(folder: Path, done: str) -> AccessReviewed:
    from display_server.broker.folders import StateFolder, list_instances
    from display_server.server.operator_requests import AccessChanged, ServerSilent, ask_for_review

    request = AccessChanged(action=done.rstrip("."), operator=operator_name())
    try:
        return ask_for_review(list_instances(StateFolder(folder)), request)
    except ServerSilent as error:
        raise Malfunction(
            f"{done} {error.cause} It ends the desktops of people who are no longer entitled to them up to a "
            "minute later.",
            next_step=error.next_step,
        ) from error


def _effects(reviewed: AccessReviewed) -> str:
    """Says what happens to the desktops that run; an empty text if nothing does."""
    parts = [
        (reviewed.ended, "ended"),
        (reviewed.warned, "ended after a warning"),
        (reviewed.until_sign_out, "ended when the person signs out"),
    ]
    said = [
        f"{number} running desktop{'s are' if number > 1 else ' is'} {what}"
        for number, what in parts
        if number
    ]
    return f" {', '.join(said)}." if said else ""
