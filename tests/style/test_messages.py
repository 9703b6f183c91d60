"""Every error that the command line or the HTTP interface shows has a cause and a next step.

The lists of messages without them are empty. `clients/web/tests/web/` checks the texts of the web client.
"""

from __future__ import annotations

import ast
import functools
import re
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

from display_server.protocol.api_error_codes import ApiErrorCode

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "display_server"

#: Classes of errors that people read, and the argument that holds their next step.
NEXT_STEP = {
    "ConfigurationError": "hint",
    "ApiError": "next_step",
    "DesktopError": "next_step",
    "Malfunction": "next_step",
    "PolicyError": "next_step",
    "TooManySignIns": "next_step",
}
#: Where all of these classes reach a person. Elsewhere only ConfigurationError does; errors of the agent are
#: notices and close codes of the viewer protocol, for which the web client has messages.
READ_BY_PEOPLE = (
    "broker",
    "cli",
    "config",
    "desktop/profiles",
    "desktop/spec.py",
    "gateway",
    "server",
    "supervisor",
)
#: Words of libraries and of programmers that are no plain words, as a regular expression.
JARGON = re.compile(r"\bxcb\b|sqlalchemy|traceback|\berrno\b|exception|\bNone\b", re.IGNORECASE)


@dataclass(frozen=True)
class Message:
    """One place that creates an error with a literal text."""

    place: str
    cause: ast.expr
    next_step: ast.expr | None

    @property
    def words(self) -> str:
        return "".join(
            part.value if isinstance(part, ast.Constant) and isinstance(part.value, str) else "…"
            for part in parts(self.cause)
        )


def parts(text: ast.expr) -> list[ast.expr]:
    """Returns the literal pieces and the placeholders of a string, an f-string or a sum of them."""
    if isinstance(text, ast.JoinedStr):
        return list(text.values)
    if isinstance(text, ast.BinOp):
        return [*parts(text.left), *parts(text.right)]
    return [text]


@functools.cache
def errors_created() -> list[tuple[str, str, ast.Call]]:
    """Returns the place, the class and the call of each error that a person can read."""
    found = []
    for path in sorted(PACKAGE.rglob("*.py")):
        name = path.relative_to(PACKAGE).as_posix()
        read = name.startswith(READ_BY_PEOPLE)
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                kind = node.func.id
                if kind == "ConfigurationError" or (read and kind in NEXT_STEP):
                    found.append((f"{name}:{node.lineno}", kind, node))
    return found


def messages() -> list[Message]:
    """Returns all errors but those that pass on the text of another one, which is checked where it arises."""
    found = []
    for place, kind, call in errors_created():
        cause = call.args[2] if kind == "ApiError" else call.args[0]
        if isinstance(cause, ast.Constant | ast.JoinedStr | ast.BinOp):
            steps = [keyword.value for keyword in call.keywords if keyword.arg == NEXT_STEP[kind]]
            found.append(Message(place, cause, steps[0] if steps else None))
    return found


def is_empty(text: ast.expr) -> bool:
    return isinstance(text, ast.Constant) and not str(text.value).strip()


def test_no_message_lacks_a_next_step() -> None:
    found = messages()
    assert len(found) > 80
    lacking = [m.place for m in found if m.next_step is None or is_empty(m.next_step)]
    assert lacking == []


def test_every_cause_is_a_sentence_in_plain_words() -> None:
    wrong = []
    for message in messages():
        last = parts(message.cause)[-1]
        complete = not isinstance(last, ast.Constant) or str(last.value).endswith(".")
        if not complete or JARGON.search(message.words):
            wrong.append(f"{message.place}: {message.words}")
    assert wrong == []


def test_no_message_shows_how_python_writes_an_exception() -> None:
    """`{error!r}` in a text gives people the names of classes."""
    wrong = [
        message.place
        for message in messages()
        for part in parts(message.cause)
        if isinstance(part, ast.FormattedValue)
        and part.conversion == ord("r")
        and isinstance(part.value, ast.Name)
        and part.value.id in {"error", "failure", "exception"}
    ]
    assert wrong == []


def test_every_api_error_has_a_code_that_the_web_client_knows() -> None:
    known = get_args(ApiErrorCode)
    assert list(known) == sorted(known)
    wrong = [
        place
        for place, kind, call in errors_created()
        if kind == "ApiError" and isinstance(call.args[1], ast.Constant) and call.args[1].value not in known
    ]
    assert wrong == []
