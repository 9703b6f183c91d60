"""Debian's OpenLDAP server as an unprivileged process of a test, on 127.0.0.1, with people of a hospital."""

from __future__ import annotations

import datetime
import os
import pwd
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from display_server.authority import authority
from display_server.broker.directory.settings import DirectorySettings
from display_server.directory_config import DirectoryConfig
from display_server.gateway.local_certificate import LocalCertificate

BASE = "dc=hospital,dc=example"
PEOPLE = f"ou=people,{BASE}"
GROUPS = f"ou=groups,{BASE}"
ACTIVE_DIRECTORY = f"ou=ad,{BASE}"
SERVICE = f"cn=lightbox,ou=services,{BASE}"
SERVICE_PASSWORD = "the password of the service"
ADMIN = f"cn=admin,{BASE}"
ADMIN_PASSWORD = "the password of the administrator"
PASSWORD = "the password of everybody"
#: People with the usernames nurse0, nurse1 and so on, beside kim, lee and others that tests name.
NURSES = 1600
#: Entries that the server sends in one page, and without pages at most.
PAGE_MAX = 500
#: How long a server may take to listen, s.
START_TIMEOUT_S = 20.0

#: Attributes of Active Directory, with its numbers. The rule for members of members has no counterpart here.
_AD_SCHEMA = """
attributetype ( 1.2.840.113556.1.4.221 NAME 'sAMAccountName' EQUALITY caseIgnoreMatch
  SYNTAX 1.3.6.1.4.1.1466.115.121.1.15 SINGLE-VALUE )
attributetype ( 1.2.840.113556.1.4.8 NAME 'userAccountControl' EQUALITY integerMatch
  SYNTAX 1.3.6.1.4.1.1466.115.121.1.27 SINGLE-VALUE )
attributetype ( 1.2.840.113556.1.4.159 NAME 'accountExpires' EQUALITY integerMatch
  SYNTAX 1.3.6.1.4.1.1466.115.121.1.27 SINGLE-VALUE )
attributetype ( 1.2.840.113556.1.4.96 NAME 'pwdLastSet' EQUALITY integerMatch
  SYNTAX 1.3.6.1.4.1.1466.115.121.1.27 SINGLE-VALUE )
attributetype ( 1.2.840.113556.1.4.2 NAME 'objectGUID' EQUALITY octetStringMatch
  SYNTAX 1.3.6.1.4.1.1466.115.121.1.40 SINGLE-VALUE )
objectclass ( 1.2.840.113556.1.5.9 NAME 'user' SUP top AUXILIARY
  MUST ( sAMAccountName $ userAccountControl ) MAY ( accountExpires $ pwdLastSet $ objectGUID ) )
"""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@dataclass
class Slapd:
    """One server. `folder` has its database, certificate and configuration."""

    folder: Path
    tls_port: int
    plain_port: int
    process: subprocess.Popen[bytes] | None = None

    @property
    def tls_url(self) -> str:
        return f"ldaps://localhost:{self.tls_port}"

    @property
    def start_tls_url(self) -> str:
        return f"ldap://localhost:{self.plain_port}"

    @property
    def socket_url(self) -> str:
        return f"ldapi://{str(self.folder / 'ldapi').replace('/', '%2F')}"

    def start(self) -> None:
        urls = f"ldaps://127.0.0.1:{self.tls_port} ldap://127.0.0.1:{self.plain_port} {self.socket_url}"
        self.process = subprocess.Popen(
            [self.folder / "slapd", "-f", self.folder / "slapd.conf", "-h", urls, "-d", "0"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            **_unprivileged(),
        )
        deadline = time.monotonic() + START_TIMEOUT_S
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.tls_port), timeout=1).close()
                return
            except OSError:
                if self.process.poll() is not None or time.monotonic() > deadline:
                    raise AssertionError("slapd does not start") from None
                time.sleep(0.02)

    def hang(self) -> None:
        assert self.process is not None
        self.process.send_signal(signal.SIGSTOP)

    def go_on(self) -> None:
        assert self.process is not None
        self.process.send_signal(signal.SIGCONT)

    def kill(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    def change(self, ldif: str) -> None:
        """Changes entries as the administrator."""
        self._run("ldapmodify", "-a", ldif=ldif)

    def delete(self, dn: str) -> None:
        self._run("ldapdelete", dn)

    def _run(self, program: str, *arguments: str, ldif: str = "") -> None:
        subprocess.run(
            [program, "-x", "-H", self.socket_url, "-D", ADMIN, "-w", ADMIN_PASSWORD, *arguments],
            input=ldif.encode(),
            check=True,
            stdout=subprocess.DEVNULL,
        )


def _unprivileged() -> dict[str, Any]:
    if os.geteuid() != 0:
        return {}
    nobody = pwd.getpwnam("nobody")
    return {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}


def _give_away(folder: Path) -> None:
    if os.geteuid() == 0:
        nobody = pwd.getpwnam("nobody")
        for path in (folder, *folder.rglob("*")):
            os.chown(path, nobody.pw_uid, nobody.pw_gid, follow_symlinks=False)


def _configuration(folder: Path) -> str:
    return f"""
include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/nis.schema
include /etc/ldap/schema/inetorgperson.schema
include {folder}/ad.schema
modulepath /usr/lib/ldap
moduleload back_mdb
moduleload memberof
moduleload ppolicy
pidfile {folder}/pid
TLSCertificateFile {folder}/server.pem
TLSCertificateKeyFile {folder}/server.key
TLSCACertificateFile {folder}/ca.pem
# Servers that allow this take a bind with an empty password for a success.
allow bind_anon_cred
database mdb
limits dn.exact="{SERVICE}" size={PAGE_MAX} size.prtotal=unlimited
maxsize 134217728
suffix "{BASE}"
rootdn "{ADMIN}"
rootpw "{ADMIN_PASSWORD}"
directory {folder}/db
dbnosync
index objectClass,uid,member,sAMAccountName eq
overlay memberof
overlay ppolicy
access to attrs=userPassword by anonymous auth by * none
access to * by dn.exact="{SERVICE}" read by * none
"""


def _entry(dn: str, *lines: str) -> str:
    return "\n".join([f"dn: {dn}", *lines, "", ""])


def person_entry(username: str, name: str, *lines: str, classes: Sequence[str] = ()) -> str:
    kinds = [f"objectClass: {kind}" for kind in ("inetOrgPerson", *classes)]
    return _entry(
        f"uid={username},{PEOPLE}",
        *kinds,
        f"uid: {username}",
        f"cn: {name}",
        f"sn: {name}",
        f"userPassword: {PASSWORD}",
        *lines,
    )


def _ad_entry(username: str, control: int, *lines: str) -> str:
    guid = username.encode().ljust(16, b"-").decode()
    return _entry(
        f"cn={username},{ACTIVE_DIRECTORY}",
        "objectClass: person",
        "objectClass: user",
        f"cn: {username}",
        f"sn: {username}",
        f"sAMAccountName: {username}",
        f"userAccountControl: {control}",
        f"objectGUID: {guid}",
        f"userPassword: {PASSWORD}",
        *lines,
    )


def _content() -> str:
    units = [
        _entry(BASE, "objectClass: dcObject", "objectClass: organization", "o: Hospital"),
        *(
            _entry(f"ou={name},{BASE}", "objectClass: organizationalUnit")
            for name in ("people", "groups", "services", "ad")
        ),
        _entry(
            SERVICE,
            "objectClass: organizationalRole",
            "objectClass: simpleSecurityObject",
            f"userPassword: {SERVICE_PASSWORD}",
        ),
    ]
    people = [
        person_entry("kim", "김민수"),
        person_entry("lee", "이서연"),
        person_entry("Park", "박지훈"),
        person_entry("gone", "퇴직자", "shadowExpire: 1", classes=["shadowAccount"]),
        *(person_entry(f"nurse{number}", f"간호사 {number}") for number in range(NURSES)),
        # Two entries that claim the same name.
        person_entry("twin", "first"),
        _entry(f"cn=second,{PEOPLE}", "objectClass: inetOrgPerson", "uid: twin", "cn: second", "sn: second"),
        _ad_entry("choi", 512, "pwdLastSet: 134000000000000000", "accountExpires: 0"),
        _ad_entry("off", 514),
        _ad_entry("over", 512, "accountExpires: 130000000000000000"),
        _ad_entry("new", 512, "pwdLastSet: 0"),
    ]
    return "".join([*units, *people])


def _groups() -> str:
    """Returns groups in groups, two of which contain each other."""

    def group(name: str, *members: str) -> str:
        return _entry(
            f"cn={name},{GROUPS}",
            "changetype: add",
            "objectClass: groupOfNames",
            f"cn: {name}",
            *(f"member: {member}" for member in members),
        )

    return "".join(
        (
            group("radiologists", f"uid=kim,{PEOPLE}"),
            group("doctors", f"cn=radiologists,{GROUPS}", f"cn=staff,{GROUPS}"),
            group("staff", f"cn=doctors,{GROUPS}", f"uid=lee,{PEOPLE}", f"uid=Park,{PEOPLE}"),
            group("영상의학과", f"uid=kim,{PEOPLE}"),
        )
    )


def _prepare(folder: Path, tls: LocalCertificate, database: Path | None) -> Slapd:
    """Writes the files of a server into its folder. `database` is that of another server to copy."""
    (folder / "db").mkdir(parents=True)
    # Debian confines /usr/sbin/slapd to the folders of its service; a copy is a program like any other.
    shutil.copy2("/usr/sbin/slapd", folder / "slapd")
    (folder / "slapadd").symlink_to("slapd")
    (folder / "ad.schema").write_text(_AD_SCHEMA)
    (folder / "slapd.conf").write_text(_configuration(folder))
    shutil.copy(tls.certificate, folder / "server.pem")
    shutil.copy(tls.key, folder / "server.key")
    assert tls.root_pem is not None
    (folder / "ca.pem").write_bytes(tls.root_pem)
    if database is None:
        subprocess.run(
            [folder / "slapadd", "-q", "-f", folder / "slapd.conf"],
            input=_content().encode(),
            check=True,
            stderr=subprocess.DEVNULL,
        )
    else:
        shutil.copy(database / "data.mdb", folder / "db" / "data.mdb")
    _give_away(folder)
    return Slapd(folder, free_port(), free_port())


@contextmanager
def two_servers(folder: Path) -> Iterator[tuple[Slapd, Slapd]]:
    """Runs two servers with the same people. The folder's path has to be short enough for Unix sockets."""
    folder.chmod(0o755)
    tls_folder = folder / "tls"
    tls_folder.mkdir(mode=0o700)
    tls = authority.provide_certificate(
        tls_folder, ["localhost", "127.0.0.1"], datetime.datetime.now(datetime.UTC)
    )
    first = _prepare(folder / "1", tls, None)
    second = _prepare(folder / "2", tls, first.folder / "db")
    try:
        for server in (first, second):
            server.start()
            server.change(_groups())
        yield first, second
    finally:
        first.kill()
        second.kill()


def settings_for(urls: Sequence[str], ca_file: Path | None, **values: Any) -> DirectorySettings:
    """Returns settings with short times, for servers of `two_servers`."""
    usual: dict[str, Any] = {
        "servers": list(urls),
        "ca_file": ca_file,
        "kind": "openldap",
        "bind_dn": SERVICE,
        "people_base": PEOPLE,
        "groups_base": GROUPS,
        "domains": ["HOSPITAL", "hospital.example"],
        "connect_seconds": 2,
        "answer_seconds": 2,
    }
    return DirectorySettings.of(DirectoryConfig(**(usual | values)), SERVICE_PASSWORD)
