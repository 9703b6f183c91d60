"""What a desktop's container looks like from inside: user ids and paths.

Spawner and supervisor agree on these values, and nothing here depends on the runtime that made the container.
"""

from __future__ import annotations

import re

#: Users and groups inside. Root is the supervisor, the person runs the programs, and the display user runs X
#: server and agent, out of the reach of the programs.
ROOT_ID, PERSON_ID, DISPLAY_ID = 0, 1000, 1001
#: Their order in the range of host ids that belongs to a desktop: the first id of the range is root.
INSIDE_IDS = (ROOT_ID, PERSON_ID, DISPLAY_ID)
#: As whom processes of the host appear inside, because no id of theirs exists there.
OVERFLOW_ID = 65534
#: Who may connect to the agent: the supervisor, the agent's own user, and the gateway on the host.
AGENT_PEERS = frozenset({ROOT_ID, DISPLAY_ID, OVERFLOW_ID})
#: Who may connect to the supervisor: the container's root, and the broker on the host.
SUPERVISOR_PEERS = frozenset({ROOT_ID, OVERFLOW_ID})
#: The names of these users inside, except the person, whose name is that of the account where possible.
ROOT_NAME, PERSON_NAME, DISPLAY_NAME = "root", "person", "display"
#: Size of the range of host ids of one desktop. One id is reserved for later.
IDS_PER_DESKTOP = 4

#: The desktop's folder, which host and container share. Programs may not enter it.
DESKTOP_FOLDER = "/run/lightbox/desktop"
#: The X authority file of the programs.
PROGRAM_AUTHORITY = "/run/lightbox/xauthority"
#: XDG_RUNTIME_DIR of the programs.
RUNTIME_FOLDER = f"/run/user/{PERSON_ID}"
#: The policies of browsers, which the supervisor writes and programs can only read. Links in /etc lead there.
POLICIES_FOLDER = "/run/lightbox/policies"
CHROMIUM_POLICIES, FIREFOX_POLICIES = "chromium.json", "firefox.json"
#: Links by their paths in /etc. Chromium reads the files of its folder in the order of their names, and
#: the last one counts.
POLICY_LINKS = {
    "chromium/policies/managed/00-lightbox.json": CHROMIUM_POLICIES,
    "firefox/policies/policies.json": FIREFOX_POLICIES,
    "firefox-esr/policies/policies.json": FIREFOX_POLICIES,
}
#: The operator's profiles.
PROFILES_FOLDER = "/etc/lightbox/profiles"
#: Names the operator's folder, here and on the host. It is also the variable that overrides the key
#: `profiles` of the configuration.
PROFILES_VARIABLE = "LIGHTBOX_PROFILES"
#: The folder of the homes. Only the person's own home is in it.
HOMES_FOLDER = "/home"
#: Account names that are also good names of Unix users; the others are replaced inside the container.
_UNIX_NAME = re.compile(r"[a-z_][a-z0-9_-]{0,30}")
#: The X server's sockets. Root creates the folder, so that no program can replace it.
X_SOCKETS = "/tmp/.X11-unix"  # noqa: S108 - fixed by X; the container's /tmp is its own
#: Capabilities of the supervisor. It starts processes as other users, signals them, and hands on the last one
#: to the X server, which attaches the shared memory (MIT-SHM, mode 0600) of the person's programs.
SUPERVISOR_CAPABILITIES = ("CAP_SETUID", "CAP_SETGID", "CAP_KILL", "CAP_IPC_OWNER")


def person_name(username: str) -> str:
    """Returns the name that the person has inside the container."""
    reserved = {ROOT_NAME, DISPLAY_NAME, "nobody", "tty", "nogroup"}
    return username if _UNIX_NAME.fullmatch(username) and username not in reserved else PERSON_NAME


def home_folder(username: str) -> str:
    """Returns the path of the person's home inside the container."""
    return f"{HOMES_FOLDER}/{person_name(username)}"
