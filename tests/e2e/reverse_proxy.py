"""Runs the documented configurations of reverse proxies (deploy/proxies) on free ports of this host.

Only addresses and paths are replaced, so that what the documents show is what runs.
"""

from __future__ import annotations

import os
import re
import socket
from collections.abc import Mapping
from pathlib import Path

from tests.e2e.browsers.chromium import Chromium
from tests.e2e.lightbox import ROOT, Lightbox
from tests.e2e.processes import Program, free_port, wait_for
from tests.e2e.viewer import PATIENCE_S, Viewer

CONFIGURATIONS = ROOT / "deploy" / "proxies"
#: The documented configurations, and the path below which each serves Lightbox.
DOCUMENTED: Mapping[str, str] = {
    "nginx.conf": "",
    "nginx-prefix.conf": "/lightbox",
    "haproxy.cfg": "",
    "haproxy-prefix.cfg": "/lightbox",
    "Caddyfile": "",
    "Caddyfile-prefix": "/lightbox",
}
#: The only address that the gateway of these tests trusts.
TRUSTED = "127.0.0.1"
#: What Debian's nginx.conf contains around /etc/nginx/conf.d/*.conf, for a user without rights.
NGINX_MAIN = """
daemon off;
master_process off;
pid {folder}/nginx.pid;
error_log stderr warn;
events {{}}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    include {configuration};
}}
"""
#: Options for a user without rights: no port 80, no administration, no file outside of the test's folder.
CADDY_MAIN = """
{{
    admin off
    auto_https disable_redirects
    storage file_system {folder}/storage
}}
import {configuration}
"""


class Proxy:
    """A reverse proxy in front of a Lightbox."""

    def __init__(
        self,
        name: str,
        lightbox: Lightbox,
        folder: Path,
        *,
        changes: Mapping[str, str] | None = None,
        path: str | None = None,
        port: int | None = None,
    ) -> None:
        """Runs the configuration `name` after `changes`, each of which must apply.

        `path` is where the changed configuration serves Lightbox.
        """
        folder.mkdir(parents=True, exist_ok=True)
        self.port = port or free_port()
        self.origin = f"https://127.0.0.1:{self.port}"
        self.url = self.origin + (DOCUMENTED[name] if path is None else path)
        text = _replaced((CONFIGURATIONS / name).read_text(), changes or {})
        configuration = folder / name
        if name.startswith("nginx"):
            configuration.write_text(_replaced(text, _nginx_addresses(self.port, lightbox)))
            main = folder / "main.conf"
            main.write_text(NGINX_MAIN.format(folder=folder, configuration=configuration))
            command = ["/usr/sbin/nginx", "-p", str(folder), "-e", "stderr", "-c", str(main)]
        elif name.startswith("Caddyfile"):
            configuration.write_text(_replaced(text, _caddy_addresses(self.port, lightbox, text)))
            main = folder / "main"
            main.write_text(CADDY_MAIN.format(folder=folder, configuration=configuration))
            command = ["/usr/bin/caddy", "run", "--adapter", "caddyfile", "--config", str(main)]
        else:
            pem = folder / "lightbox.pem"
            tls = lightbox.state_folder / "tls"
            pem.write_bytes((tls / "server.crt").read_bytes() + (tls / "server.key").read_bytes())
            text = _replaced(text, _haproxy_addresses(self.port, lightbox, pem))
            if os.geteuid() != 0:  # only root can become another user
                text = re.sub(r"(?m)^ +(user|group) .*\n", "", text)
            configuration.write_text(text)
            command = ["/usr/sbin/haproxy", "-db", "-f", str(configuration)]
        environment = {**os.environ, "XDG_CONFIG_HOME": str(folder), "XDG_DATA_HOME": str(folder)}
        self.program = Program(command, log=folder / "proxy.log", env=environment)
        try:
            wait_for(self._listens, timeout_s=PATIENCE_S, what=lambda: f"{name}: {self.program.log_tail()}")
        except BaseException:
            self.program.stop()
            raise

    def _listens(self) -> bool:
        assert self.program.running, f"the proxy ended:\n{self.program.log_tail()}"
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def stop(self) -> None:
        self.program.stop()


def sign_in(browser: Chromium, proxy: Proxy, lightbox: Lightbox) -> Viewer:
    """Fills in the sign-in page behind the proxy, without the cookies of other ports of this host."""
    browser.open("about:blank")
    browser.run(lambda: browser.page.context.clear_cookies())
    viewer = Viewer(browser, proxy.url)
    browser.open(proxy.url + "/")
    viewer.wait_for_element('input[name="password"]')
    viewer.fill_in(lightbox.username, lightbox.password)
    return viewer


def reach_exact(browser: Chromium, proxy: Proxy, lightbox: Lightbox) -> Viewer:
    """Signs in behind the proxy, opens the desktop and waits until it is exact."""
    viewer = sign_in(browser, proxy, lightbox)
    viewer.wait_for_element('a[href*="/desktop/"]')
    viewer.open_desktop(lightbox.profile)
    return viewer


def _replaced(text: str, changes: Mapping[str, str]) -> str:
    for old, new in changes.items():
        assert old in text, f"the configuration has no {old!r}"
        text = text.replace(old, new)
    return text


def _nginx_addresses(port: int, lightbox: Lightbox) -> dict[str, str]:
    tls = lightbox.state_folder / "tls"
    return {
        "listen 443 ssl": f"listen 127.0.0.1:{port} ssl",
        "127.0.0.1:8443": f"127.0.0.1:{lightbox.port}",
        "/etc/nginx/tls/fullchain.pem": str(tls / "server.crt"),
        "/etc/nginx/tls/key.pem": str(tls / "server.key"),
        "/var/lib/lightbox/tls": str(tls),
    }


def _haproxy_addresses(port: int, lightbox: Lightbox, pem: Path) -> dict[str, str]:
    return {
        "bind :443": f"bind 127.0.0.1:{port}",
        "127.0.0.1:8443": f"127.0.0.1:{lightbox.port}",
        "/etc/haproxy/tls/lightbox.pem": str(pem),
        "/var/lib/lightbox/tls": str(lightbox.state_folder / "tls"),
    }


def _caddy_addresses(port: int, lightbox: Lightbox, text: str) -> dict[str, str]:
    tls = lightbox.state_folder / "tls"
    [site] = re.findall(r"(?m)^\S+\.example \{", text)
    return {
        site: f"https://127.0.0.1:{port} {{",
        "https://127.0.0.1:8443": f"https://127.0.0.1:{lightbox.port}",
        "/etc/caddy/tls/fullchain.pem": str(tls / "server.crt"),
        "/etc/caddy/tls/key.pem": str(tls / "server.key"),
        "/var/lib/lightbox/tls": str(tls),
    }
