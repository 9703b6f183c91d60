"""One connection to a server of the directory."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from typing import cast

from display_server.broker.directory.ber import BerError
from display_server.broker.directory.errors import (
    ConnectionLost,
    DirectoryAway,
    DirectoryRefused,
    away,
)
from display_server.broker.directory.messages import (
    Abandon,
    Bind,
    Entry,
    Messages,
    Page,
    Request,
    Result,
    ResultCode,
    Search,
    StartTls,
    Unbind,
    decode,
    encode,
)
from display_server.broker.directory.settings import ServerAddress, Transport

#: Most entries that one search may bring. More than that are a wrong filter, and would fill the memory.
ENTRIES_MAX = 100_000
#: Largest number of a message (RFC 4511, section 4.1.1.1).
_MESSAGE_ID_MAX = 2**31 - 1
#: Results after which another server may do better.
_SERVER_FAULTS = frozenset({ResultCode.BUSY, ResultCode.UNAVAILABLE})
#: What an operator can do about a refusal, by its result code.
_NEXT_STEPS: dict[int, str] = {
    ResultCode.INVALID_CREDENTIALS: "Check `directory.bind_dn` and the password in its file.",
    ResultCode.NO_SUCH_OBJECT: "Check `directory.people_base` and `directory.groups_base`: this entry does "
    "not exist, or the account of `directory.bind_dn` may not see it.",
    ResultCode.INSUFFICIENT_ACCESS: "Let the account of `directory.bind_dn` read people and groups.",
    ResultCode.OPERATIONS_ERROR: "Active Directory answers so when the bind is missing or the base is wrong.",
    ResultCode.SIZE_LIMIT_EXCEEDED: "Let the directory serve more entries to the account of "
    "`directory.bind_dn`, or set a smaller `directory.page_size`.",
}


class LdapConnection(asyncio.Protocol):
    """Sends one request after the other, and waits for the answer to each.

    The caller awaits each method before it calls the next one, as the pool ensures. After an error other than
    DirectoryRefused, and after a cancellation, the connection is closed.
    """

    def __init__(self, address: ServerAddress, answer_s: float) -> None:
        self._address = address
        self._answer_s = answer_s
        self._transport: asyncio.Transport | None = None
        self._messages = Messages()
        self._next_id = 1
        self._awaited_id = 0
        self._entries: list[Entry] = []
        self._answer: asyncio.Future[Result] | None = None
        self.closed = False

    @classmethod
    async def open(
        cls, address: ServerAddress, tls: ssl.SSLContext, *, connect_s: float, answer_s: float
    ) -> LdapConnection:
        """Connects, with TLS unless it is a Unix socket. Raises DirectoryAway and DirectoryRefused."""
        loop = asyncio.get_running_loop()
        connection = cls(address, answer_s)
        try:
            async with asyncio.timeout(connect_s):
                match address.transport:
                    case Transport.UNIX_SOCKET:
                        await loop.create_unix_connection(lambda: connection, address.host)
                    case Transport.TLS:
                        await loop.create_connection(
                            lambda: connection,
                            address.host,
                            address.port,
                            ssl=tls,
                            server_hostname=address.host,
                            ssl_handshake_timeout=connect_s,
                        )
                    case Transport.START_TLS:
                        await loop.create_connection(lambda: connection, address.host, address.port)
                        await connection._start_tls(tls, connect_s)
        except (OSError, TimeoutError) as error:  # includes all errors of TLS
            connection.close()
            raise away(str(address), error) from error
        except BaseException:
            connection.close()
            raise
        return connection

    async def bind(self, dn: str, password: str) -> Result:
        """Proves who somebody is, and returns the result. All later requests are theirs.

        Raises ValueError when either is empty, DirectoryAway, and DirectoryRefused when the server cannot
        judge the password.
        """
        _, result = await self._ask(Bind(dn, password.encode("utf-8", "surrogatepass")))
        if result.code in (ResultCode.SUCCESS, ResultCode.INVALID_CREDENTIALS):
            return result
        raise self._refused("the bind", result)

    async def search(self, search: Search, page_size: int = 0) -> list[Entry]:
        """Returns all entries that match, asked for in pages if `page_size` is more than 0.

        With a `size_limit`, at most this number of them. Raises DirectoryAway and DirectoryRefused; a part of
        the entries is never taken for all of them.
        """
        found: list[Entry] = []
        cookie = b""
        while True:
            entries, result = await self._ask(search, Page(page_size, cookie) if page_size else None)
            found += entries
            limited = search.size_limit and result.code == ResultCode.SIZE_LIMIT_EXCEEDED
            if not result.successful and not limited:
                raise self._refused(f"a search below {search.base!r}", result)
            if limited or not result.cookie:
                return found
            cookie = result.cookie
            if len(found) > ENTRIES_MAX:
                self.close()
                raise DirectoryRefused(
                    f"A search below {search.base!r} finds more than {ENTRIES_MAX} entries.",
                    next_step="Use a narrower base or filter.",
                    code=ResultCode.SIZE_LIMIT_EXCEEDED,
                )

    def certificate(self) -> dict[str, object] | None:
        """Returns the server's certificate as `ssl` describes it; None without TLS."""
        tls = self._transport.get_extra_info("ssl_object") if self._transport else None
        return tls.getpeercert() if tls is not None else None

    def close(self) -> None:
        """Says goodbye if that is possible, and closes. May be called several times."""
        if self._transport is not None and not self._transport.is_closing():
            if not self.closed:
                with contextlib.suppress(OSError):
                    self._transport.write(encode(self._number(), Unbind()))
            if self._answer is not None:  # a server that hangs must not keep the connection open
                self._transport.abort()
            else:
                self._transport.close()
        self.closed = True

    async def _start_tls(self, tls: ssl.SSLContext, handshake_s: float) -> None:
        _, result = await self._ask(StartTls())
        if not result.successful:
            raise self._refused("StartTLS", result)
        if self._messages.waiting_bytes:
            # Somebody in the network has added an answer before the protection began.
            raise away(str(self._address), OSError("it sends more than the answer to StartTLS"))
        assert self._transport is not None
        upgraded = await asyncio.get_running_loop().start_tls(
            self._transport, self, tls, server_hostname=self._address.host, ssl_handshake_timeout=handshake_s
        )
        if upgraded is None:
            raise away(str(self._address), ConnectionResetError("the connection ended during StartTLS"))
        self._transport = upgraded

    async def _ask(self, request: Request, page: Page | None = None) -> tuple[list[Entry], Result]:
        """Sends a request and returns its answer. Raises DirectoryAway."""
        if self.closed or self._transport is None:
            raise self._lost("it is closed")
        self._awaited_id = self._number()
        self._entries = []
        self._answer = asyncio.get_running_loop().create_future()
        try:
            self._transport.write(encode(self._awaited_id, request, page))
            async with asyncio.timeout(self._answer_s):
                result = await self._answer
        except TimeoutError as error:
            with contextlib.suppress(OSError):
                self._transport.write(encode(self._number(), Abandon(self._awaited_id)))
            self.close()
            raise away(str(self._address), error) from error
        except BaseException:  # also a cancellation: the answer would belong to nobody
            self.close()
            raise
        finally:
            self._answer = None
        if result.code in _SERVER_FAULTS:
            self.close()
            raise away(str(self._address), OSError(result.diagnostic or "it is busy"))
        return self._entries, result

    def _number(self) -> int:
        number = self._next_id
        self._next_id = number % _MESSAGE_ID_MAX + 1
        return number

    def _refused(self, what: str, result: Result) -> DirectoryRefused:
        words = result.diagnostic.strip().rstrip("\0") or "it gives no reason"
        return DirectoryRefused(
            f"The directory server {self._address} refuses {what} with code {result.code}: {words}.",
            next_step=_NEXT_STEPS.get(result.code, "The log of the directory says why."),
            code=result.code,
        )

    def _lost(self, why: str) -> DirectoryAway:
        return ConnectionLost(
            f"The connection to the directory server {self._address} has ended: {why}.",
            next_step="Check the network and the log of the directory.",
        )

    # What follows is called by the event loop.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop has classes of its own

    def data_received(self, data: bytes) -> None:
        try:
            for message in self._messages.feed(data):
                self._receive(message)
        except BerError as error:
            self._end(self._lost(f"it sends what is not LDAP ({error})"))

    def connection_lost(self, exc: Exception | None) -> None:
        self._end(self._lost(str(exc) if exc else "the server closed it"))

    def _receive(self, message: bytes) -> None:
        number, response = decode(message)
        if number == 0:  # a notice of disconnection (RFC 4511, section 4.4.1)
            reason = response.diagnostic if isinstance(response, Result) else ""
            self._end(self._lost(reason or "the server gives notice"))
            return
        if self._answer is None or self._answer.done() or number != self._awaited_id:
            return  # the late answer to an abandoned request
        if isinstance(response, Entry):
            self._entries.append(response)
        elif isinstance(response, Result):
            self._answer.set_result(response)

    def _end(self, error: DirectoryAway) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(error)
        self.closed = True
        if self._transport is not None:
            self._transport.abort()
