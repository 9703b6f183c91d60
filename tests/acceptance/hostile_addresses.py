"""Signs people in at devices that know them, while ten hostile addresses guess passwords.

`python -m tests.acceptance.hostile_addresses [--sign-ins 100]`. Each hostile address guesses passwords of
the same people and of accounts that do not exist as fast as it is answered, and keeps connections open on
which it sends nothing. The people sign in from another address and from one of the hostile ones in turn.
The value is the number of correct sign-ins that were refused. It counts only if the attack is one: a new
device has to be refused.
"""

from __future__ import annotations

import argparse
import http.client
import itertools
import json
import ssl
import subprocess
import tempfile
import threading
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.acceptance.command import exit_with, note, report
from tests.e2e.lightbox import COMMAND, ROOT, Lightbox
from tests.e2e.processes import wait_for

PEOPLE = ("kim", "lee", "park", "choi", "jung")
PASSWORD = "correct horse battery"
#: Where people sign in from: an address of their own, and one that they share with an attacker.
PEOPLE_ADDRESSES = ("127.0.0.1", "127.0.0.10")
HOSTILE_ADDRESSES = tuple(f"127.0.0.{number}" for number in range(10, 20))
#: Connections that each hostile address keeps open without sending anything.
SILENT_CONNECTIONS = 40
#: Guesses that are answered before people sign in: then every budget of the attackers is used up.
GUESSES_FIRST = 400
#: Time between two sign-ins, s.
SIGN_IN_INTERVAL_S = 0.5
#: How long one request may take, s.
REQUEST_TIMEOUT_S = 60.0
ATTACK_TIMEOUT_S = 300.0
#: Statuses of a correct password, and of an attempt that was not admitted.
SIGNED_IN, LIMITED = 200, 429


@dataclass(slots=True)
class Device:
    """A browser: keeps the cookie by which it is known."""

    port: int
    context: ssl.SSLContext
    cookies: dict[str, str] = field(default_factory=dict)

    def sign_in(self, username: str, password: str, address: str) -> int:
        """Returns the status of the answer. Raises OSError when there is none."""
        connection = http.client.HTTPSConnection(
            "localhost",
            self.port,
            timeout=REQUEST_TIMEOUT_S,
            source_address=(address, 0),
            context=self.context,
        )
        try:
            known = "; ".join(f"{n}={v}" for n, v in self.cookies.items() if n.endswith("lightbox-device"))
            headers = {
                "Origin": f"https://localhost:{self.port}",
                "Content-Type": "application/json",
                "Cookie": known,
            }
            body = json.dumps({"username": username, "password": password})
            connection.request("POST", "/api/v1/sign-in", body, headers)
            answer = connection.getresponse()
            answer.read()
            for cookie in answer.headers.get_all("Set-Cookie") or ():
                name, _, value = cookie.partition(";")[0].partition("=")
                self.cookies[name] = value
            return answer.status
        finally:
            connection.close()


class Attack:
    """Attackers at all hostile addresses, while the context lasts. `answers` counts statuses."""

    def __init__(self, port: int, context: ssl.SSLContext) -> None:
        self._port = port
        self._context = context
        self._over = threading.Event()
        self.answers: Counter[int] = Counter()
        self._threads = [
            threading.Thread(target=work, args=(address,))
            for address in HOSTILE_ADDRESSES
            for work in (self._guess, self._keep_silent)
        ]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join()

    def _guess(self, address: str) -> None:
        for number in itertools.count():
            username = PEOPLE[number % len(PEOPLE)] if number % 2 else f"nobody-{address[-2:]}-{number}"
            if self._over.is_set():
                return
            with suppress(OSError, http.client.HTTPException):
                self.answers[Device(self._port, self._context).sign_in(username, "a guess", address)] += 1

    def _keep_silent(self, address: str) -> None:
        """The server closes such connections after a while; then they are opened again."""
        open_connections: list[http.client.HTTPSConnection] = []
        while not self._over.wait(0.05):
            if len(open_connections) >= SILENT_CONNECTIONS:
                open_connections.pop(0).close()
            connection = http.client.HTTPSConnection(
                "localhost", self._port, timeout=5, source_address=(address, 0), context=self._context
            )
            with suppress(OSError):
                connection.connect()
            open_connections.append(connection)
        for connection in open_connections:
            connection.close()


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.acceptance.hostile_addresses", description=__doc__)
    parser.add_argument("--sign-ins", type=int, default=100)
    parser.add_argument("--guesses-first", type=int, default=GUESSES_FIRST)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="acceptance-") as name:
        lightbox = Lightbox(Path(name) / "lightbox.log", profile="blank", patience=1)
        try:
            for person in PEOPLE:
                add_account(lightbox, person)
            context = ssl.create_default_context(cafile=str(lightbox.state_folder / "tls" / "ca.crt"))
            refused, attacked = measure(lightbox.port, context, arguments.sign_ins, arguments.guesses_first)
        finally:
            lightbox.stop()
    return report("sign-in-refused", refused, also=attacked)


def add_account(lightbox: Lightbox, person: str) -> None:
    subprocess.run(
        [*COMMAND, "account", "add", person],
        input=f"{PASSWORD}\n",
        env=lightbox.environment,
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )


def measure(port: int, context: ssl.SSLContext, sign_ins: int, guesses_first: int) -> tuple[int, bool]:
    """Returns how many sign-ins were refused, and whether a new device was refused as well."""
    devices = {person: Device(port, context) for person in PEOPLE}
    for person, device in devices.items():
        if (status := device.sign_in(person, PASSWORD, PEOPLE_ADDRESSES[0])) != SIGNED_IN:
            raise RuntimeError(f"{person} could not sign in before the attack: status {status}")
    refused, took_s = 0, []
    with Attack(port, context) as attack:
        wait_for(
            lambda: attack.answers.total() >= guesses_first and attack.answers[LIMITED] > 0,
            timeout_s=ATTACK_TIMEOUT_S,
            what=lambda: f"the attack: {attack.answers}",
            every_s=0.2,
        )
        for number in range(sign_ins):
            began = time.monotonic()
            person, address = PEOPLE[number % len(PEOPLE)], PEOPLE_ADDRESSES[number % 2]
            status = signed_in_status(devices[person], person, address)
            took_s.append(time.monotonic() - began)
            if status != SIGNED_IN:
                refused += 1
                note(f"{person} at {address} was refused: {status}")
            time.sleep(max(0.0, SIGN_IN_INTERVAL_S - took_s[-1]))
        new_device = signed_in_status(Device(port, context), PEOPLE[0], HOSTILE_ADDRESSES[0])
    note(f"answers to the attackers: {dict(attack.answers)}")
    note(
        f"sign-ins took up to {max(took_s):.2f} s, and {sorted(took_s)[len(took_s) // 2]:.2f} s in the median"
    )
    note(f"a device that is not known got status {new_device}")
    return refused, new_device == LIMITED


def signed_in_status(device: Device, person: str, address: str) -> int:
    """Returns the status of a sign-in, or 0 if there was no answer."""
    try:
        return device.sign_in(person, PASSWORD, address)
    except (OSError, http.client.HTTPException) as error:
        note(f"no answer: {error!r}")
        return 0


if __name__ == "__main__":
    exit_with(main)
