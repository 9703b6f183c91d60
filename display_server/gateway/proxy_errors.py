"""What a reverse proxy's operator has to change: errors that name the missing line, for page and log.

The page shows them in English and Korean. The log has them at most once a minute each, because anybody can
cause them.
"""

from __future__ import annotations

import html
import time
from collections.abc import Callable, Mapping, Sequence

import structlog

from display_server.broker_link.api_error import ApiError
from display_server.gateway.hosts import split_host
from display_server.protocol.api_error_codes import ApiErrorCode

log = structlog.get_logger(__name__)

#: The same error is logged again only after this time, s.
LOG_INTERVAL_S = 60.0
#: Values of headers are cut to this length, characters.
VALUE_MAX_CHARS = 200
#: The file of Lightbox to which a line belongs; proxies have the same name in every language.
OURS = "the configuration of Lightbox"
KOREAN = {OURS: "Lightbox 설정"}


class ProxyError(ApiError):
    """A request that a reverse proxy altered, so that the gateway must refuse it.

    `lines` are the lines that the operator has to add to the configuration of the proxy or of Lightbox; each
    one of them helps, unless `all_lines`.
    """

    def __init__(
        self,
        status: int,
        code: ApiErrorCode,
        cause: str,
        korean: str,
        lines: Sequence[tuple[str, str]],
        *,
        all_lines: bool = False,
        headers: Mapping[str, str] | None = None,
        **facts: str,
    ) -> None:
        """Each of `lines` has the file that it belongs to, and the line. `facts` are for the log."""
        joint = "; and in " if all_lines else "; or in "
        listed = joint.join(f"{where}: {line}" for where, line in lines)
        super().__init__(status, code, cause, next_step=f"Add in {listed}", headers=headers)
        self.korean = korean
        self.lines = tuple(lines)
        self.all_lines = all_lines
        self.facts = facts

    def page(self) -> bytes:
        """Returns a page with both languages, which needs no other file."""
        korean_lines = [(KOREAN.get(where, where), line) for where, line in self.lines]
        needed = ("All of these lines are needed", "다음 줄이 모두 필요합니다")
        if not self.all_lines:
            needed = ("One of these lines is needed", "다음 줄 가운데 하나가 필요합니다")
        return (
            '<!doctype html>\n<html lang="en"><meta charset="utf-8">'
            '<meta name="viewport" content="width=device-width"><title>Lightbox</title>\n'
            f"<h1>Lightbox</h1>\n<p>{html.escape(self.cause)}</p>\n"
            f"<p>{needed[0]}:</p>\n<ul>{_items(self.lines)}</ul>\n"
            f'<section lang="ko"><p>{html.escape(self.korean)}</p>\n<p>{needed[1]}:</p>\n'
            f"<ul>{_items(korean_lines)}</ul></section>\n</html>\n"
        ).encode()


def _items(lines: Sequence[tuple[str, str]]) -> str:
    return "".join(
        f"<li>{html.escape(where)}: <code>{html.escape(line)}</code></li>" for where, line in lines
    )


def changed_host(origin: str, host: str) -> ProxyError:
    """The browser says that page and request have the same origin, but Host names another one."""
    origin, host = origin[:VALUE_MAX_CHARS], host[:VALUE_MAX_CHARS]
    return ProxyError(
        403,
        "proxy-host",
        f"The page is at {origin}, but its request arrived for {host}: a reverse proxy changed the header "
        "Host.",
        f"페이지 주소는 {origin}이지만 요청의 호스트는 {host}입니다. "
        "리버스 프록시가 Host 헤더를 바꾸었습니다.",
        [
            ("nginx", "proxy_set_header Host $http_host;"),
            (OURS, f'public_url = "{origin}/" (with the path of the page)'),
        ],
        origin=origin,
        host=host,
    )


def unknown_host(host: str) -> ProxyError:
    host = host[:VALUE_MAX_CHARS]
    return ProxyError(
        421,
        "unknown-host",
        f"This server does not accept the host name {host!r}.",
        f"이 서버가 모르는 호스트 이름입니다: {host!r}.",
        [
            (OURS, f'names = ["{split_host(host)[0]}"]'),
            (OURS, 'public_url = "https://…/", the address that browsers use'),
        ],
        host=host,
    )


def plain_http() -> ProxyError:
    return ProxyError(
        403,
        "proxy-http",
        "The page was requested over plain HTTP. Browsers show desktops only over HTTPS.",
        "페이지가 암호화되지 않은 HTTP로 요청되었습니다. 브라우저는 HTTPS에서만 데스크톱을 표시합니다.",
        [
            ("nginx", "listen 443 ssl; with ssl_certificate and ssl_certificate_key"),
            ("HAProxy", "bind :443 ssl crt FILE"),
        ],
    )


def outdated_tls(peer: str, version: str) -> ProxyError:
    return ProxyError(
        403,
        "proxy-tls",
        f"The connection from {peer} uses {version}. Lightbox accepts less than TLS 1.3 only from reverse "
        "proxies that its configuration lists. A browser must be updated.",
        f"{peer}에서 온 연결의 TLS 버전이 낮습니다({version}). "
        "TLS 1.3보다 낮은 버전은 설정에 적힌 리버스 프록시에만 허용됩니다. 브라우저라면 업데이트하세요.",
        [
            ("nginx", "proxy_ssl_protocols TLSv1.3;"),
            (OURS, f'trusted_proxies = ["{peer}"]'),
        ],
        peer=peer,
        version=version,
    )


def no_upgrade() -> ProxyError:
    """A request for the viewer's WebSocket that does not ask for one."""
    return ProxyError(
        426,
        "proxy-upgrade",
        "The request for a WebSocket arrived without the header Upgrade: a reverse proxy dropped it.",
        "WebSocket 요청이 Upgrade 헤더 없이 도착했습니다. 리버스 프록시가 이 헤더를 없앴습니다.",
        [
            ("nginx", "proxy_http_version 1.1;"),
            ("nginx", "proxy_set_header Upgrade $http_upgrade;"),
            ("nginx", 'proxy_set_header Connection "upgrade";'),
        ],
        all_lines=True,
        headers={"Upgrade": "websocket"},
    )


class ProxyLog:
    """Logs what operators of proxies have to change."""

    def __init__(self, monotonic_s: Callable[[], float] = time.monotonic) -> None:
        self._monotonic_s = monotonic_s
        self._logged_s: dict[str, float] = {}

    def refused(self, error: ProxyError) -> None:
        """Logs an error with the lines that would help."""
        if self._is_due(error.code):
            add = "; ".join(f"{where}: {line}" for where, line in error.lines)
            log.warning("request refused", code=error.code, reason=error.cause, add=add, **error.facts)

    def ignored_headers(self, peer: str) -> None:
        """Logs that headers of an unknown proxy were ignored."""
        if self._is_due("ignored"):
            log.warning(
                "X-Forwarded headers are ignored, because they come from an address that is no trusted proxy",
                peer=peer,
                add=f'if this is your reverse proxy, in the configuration: trusted_proxies = ["{peer}"]',
            )

    def unknown_page(self, path: str) -> None:
        """Logs that somebody opened an address that does not exist. A proxy's prefix looks like that."""
        if self._is_due("unknown page"):
            log.warning(
                "a browser opened an address that does not exist",
                path=path[:VALUE_MAX_CHARS],
                add="if a reverse proxy serves Lightbox below a path: in nginx, a slash at the end of "
                "`proxy_pass https://ADDRESS:PORT/;`, or in the configuration public_url = "
                '"https://NAME/PATH/"',
            )

    def _is_due(self, kind: str) -> bool:
        now_s = self._monotonic_s()
        if now_s - self._logged_s.get(kind, float("-inf")) < LOG_INTERVAL_S:
            return False
        self._logged_s[kind] = now_s
        return True
