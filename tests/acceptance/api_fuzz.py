"""Asks the whole API for everything that its document allows, as each role.

`python -m tests.acceptance.api_fuzz [--examples 10000] [--seed 1] [--role ROLE]`. The value is the number of
violations: answers with a status of 500 or more other than 503, answers that the OpenAPI document does not
describe, answers to somebody without the role for the route, names outside of a helpdesk's scope, and changes
of what a role must not change. Half of the names and numbers in addresses are those of objects that exist.
The stream of events, whose answer never ends, is left out.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import re
import tempfile
import threading
from collections import Counter
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import seed as with_seed
from hypothesis import strategies as st
from schemathesis import Case, checks
from schemathesis.core.failures import FailureGroup
from schemathesis.core.result import Ok
from sqlalchemy import select

from display_server.broker.api.admin.routes import BY_ADDRESS
from display_server.broker.roles import limits_of
from display_server.broker.tables import Account, ApiToken, Entitlement, Group, RoleAssignment
from display_server.broker_link.admin_paths import ADMIN_PREFIX, EVENTS_PATH
from display_server.broker_link.cookies import SESSION, CookieScope
from display_server.telemetry.logs import configure_logs
from tests.acceptance.command import exit_with, note, report
from tests.fakes.administration import INSIDE, OUTSIDE, PRIVILEGED, ROLES, Administration, administration

EXAMPLES = 10_000
#: Who is asked as, by role. The helpdesk is that of a ward.
PEOPLE = {"user": "kim", "helpdesk": "yoon", "administrator": "park", "auditor": "choi"}
#: What nobody but an administrator changes.
GUARDED = (Group, RoleAssignment, Entitlement, ApiToken)
#: Violations that are printed for each role.
PRINTED = 20
TIMEOUT_S = 60.0

#: How an answer has to fit the document.
CHECKS = (
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_headers_conformance,
    checks.response_schema_conformance,
)

T = TypeVar("T")


class Server:
    """The gateway and its broker, in a thread of their own."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._stopping = asyncio.Event()
        self._failure: BaseException | None = None
        self.found: Administration

    @contextmanager
    def running(self, folder: Path) -> Iterator[Server]:
        thread = threading.Thread(target=self._run, args=(folder,), name="server")
        thread.start()
        self._ready.wait(TIMEOUT_S)
        try:
            if self._failure is not None:
                raise self._failure
            yield self
        finally:
            self._loop.call_soon_threadsafe(self._stopping.set)
            thread.join(TIMEOUT_S)

    def do(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(TIMEOUT_S)

    def _run(self, folder: Path) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_until_complete(self._serve(folder))
        except BaseException as error:
            self._failure = error
        finally:
            self._ready.set()

    async def _serve(self, folder: Path) -> None:
        async with administration(folder, served=True) as self.found:
            self._ready.set()
            await self._stopping.wait()


@dataclass
class Asker:
    """Asks as one person, and notes what is wrong with the answers."""

    server: Server
    role: str
    draw: random.Random
    http: requests.Session = field(default_factory=requests.Session)
    cookie: str = ""
    statuses: Counter[int] = field(default_factory=Counter)
    violations: list[str] = field(default_factory=list)

    @property
    def username(self) -> str:
        return PEOPLE[self.role]

    def sign_in(self) -> None:
        """Gives the browser a new web session: what was asked for may have ended or locked the last one."""
        services = self.server.found.gateway.services

        async def create() -> str:
            return await services.web_sessions.create(await services.accounts.require(self.username))

        self.cookie = f"{CookieScope().name(SESSION)}={self.server.do(create())}"

    def ask(self, case: Case[Any]) -> None:
        """Sends one request and judges the answer."""
        self._use_what_exists(case)
        url = self.server.found.gateway.url
        case.headers["Cookie"] = self.cookie
        case.headers["Origin"] = url
        case.headers.pop("Authorization", None)
        response = case.call(base_url=url, session=self.http, timeout=TIMEOUT_S)
        self.statuses[response.status_code] += 1
        if response.status_code in {401, 423}:
            self.sign_in()
        route = f"{case.method} {case.path}"
        if response.status_code >= 500 and response.status_code != 503:
            self._note(f"{route}: {response.status_code} {response.text[:200]}")
            return
        try:
            case.validate_response(response, checks=list(CHECKS))
        except FailureGroup as group:
            for failure in group.exceptions:
                self._note(f"{route}: {failure.title}: {str(failure)[:300]}")
        if response.status_code < 300 and case.path.startswith(f"{ADMIN_PREFIX}/"):
            self._judge_access(case, response.text)

    def _judge_access(self, case: Case[Any], text: str) -> None:
        route = BY_ADDRESS[case.method, case.path.removeprefix(f"{ADMIN_PREFIX}/")]
        roles = ROLES[self.username]
        allowed = bool(roles) if route.act is None else limits_of(roles, route.act) is not None
        if not allowed:
            self._note(f"{route}: open to the role {self.role}")
        if self.role == "helpdesk" and re.search(rf"\b({OUTSIDE}|{PRIVILEGED})\b", text):
            self._note(f"{route}: shows what is outside of the scope: {text[:200]}")

    def _use_what_exists(self, case: Case[Any]) -> None:
        """Puts names and numbers of objects that exist into half of the addresses."""
        known = (*ROLES, INSIDE, OUTSIDE, PRIVILEGED, "ward", "office", "ward-3", "wards", "scratch")
        for name, value in dict(case.path_parameters or {}).items():
            if self.draw.random() < 0.5:
                if name == "id" and case.path.startswith(f"{ADMIN_PREFIX}/sessions"):
                    sessions = self.server.found.gateway.services.sessions.live()
                    case.path_parameters[name] = self.draw.choice([one.id for one in sessions] or ["none"])
                elif isinstance(value, int):
                    case.path_parameters[name] = self.draw.randint(1, 20)
                else:
                    case.path_parameters[name] = self.draw.choice(known)

    def _note(self, text: str) -> None:
        self.violations.append(text)
        if len(self.violations) <= PRINTED:
            note(f"{self.role}: {text}")


def fuzz(role: str, examples: int, seed: int) -> int:
    """Returns the number of violations, asking as one role."""
    with tempfile.TemporaryDirectory(prefix="lb") as name, Server().running(Path(name)) as server:
        asker = Asker(server, role, random.Random(seed))
        root = Path(name) / "ca.crt"
        root.write_bytes(server.found.gateway.gateway.settings.root_pem or b"")
        asker.http.verify = str(root)
        os.environ["REQUESTS_CA_BUNDLE"] = str(root)
        for person in (INSIDE, OUTSIDE):
            server.do(server.found.session_of(person))
        asker.sign_in()
        before = server.do(guarded(server.found))
        document = asker.http.get(f"{server.found.gateway.url}/api/v1/openapi.json", timeout=TIMEOUT_S).json()
        document["paths"].pop(EVENTS_PATH)
        schema = schemathesis.openapi.from_dict(document)
        operations = [found.ok() for found in schema.get_all_operations() if isinstance(found, Ok)]

        @with_seed(seed)
        @settings(
            max_examples=examples,
            database=None,
            deadline=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(st.one_of([operation.as_strategy() for operation in operations]))
        def ask(case: Case[Any]) -> None:
            asker.ask(case)

        ask()
        if role != "administrator" and server.do(guarded(server.found)) != before:
            asker._note("groups, roles, entitlements or tokens were changed")
        note(f"{role}: {sum(asker.statuses.values())} requests, {dict(sorted(asker.statuses.items()))}")
        return len(asker.violations)


async def guarded(found: Administration) -> str:
    """Returns the content of what nobody but an administrator changes."""
    content = []
    async with found.gateway.services.store.reading() as db:
        for table in GUARDED:
            rows = (await db.scalars(select(table))).all()
            names = [column.name for column in table.__table__.columns]
            content.append([{name: str(getattr(row, name)) for name in names} for row in rows])
        accounts = await db.execute(select(Account.username, Account.disabled).order_by(Account.id))
        content.append([{"username": name, "disabled": str(disabled)} for name, disabled in accounts])
    return json.dumps(content)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.acceptance.api_fuzz", description=__doc__)
    parser.add_argument("--examples", type=int, default=EXAMPLES)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--role", choices=list(PEOPLE))
    arguments = parser.parse_args()
    configure_logs("command", default_level="critical")
    roles = [arguments.role] if arguments.role else list(PEOPLE)
    violations = sum(fuzz(role, arguments.examples, arguments.seed) for role in roles)
    complete = arguments.role is None and arguments.examples >= EXAMPLES
    return report("api-fuzz", violations, also=complete)


if __name__ == "__main__":
    exit_with(main)
