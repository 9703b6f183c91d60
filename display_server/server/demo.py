"""`lightbox demo`: a configuration with the built-in profiles, and an account whose password is shown."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from display_server.broker.folders import StateFolder
from display_server.config import Config, DesktopConfig, check_display, parse_size
from display_server.desktop.clipboard_policy import ClipboardPolicy
from display_server.desktop.profiles.profile import load
from display_server.desktop.spec import write_private
from display_server.desktop.video_settings import parse_policies
from display_server.errors import ConfigurationError

if TYPE_CHECKING:  # the process of the gateway must not load the database
    from display_server.broker.accounts import Accounts

#: The profiles of the demo's desktops, which are also their names.
PROFILES = ("radiology", "office", "blank", "check")
#: Profiles that `--profile` may add to them.
FURTHER_PROFILES = ("browser",)
#: Name of the desktop that shows an X display that already runs.
ATTACHED_DESKTOP = "attached"
USERNAME = "demo"
#: Characters of the password. They are easy to read aloud and to type on a tablet; 16 of them make 78 bits.
PASSWORD_CHARACTERS = "abcdefghjkmnpqrstvwxyz23456789"  # noqa: S105 - the characters, not a password
#: Groups of characters in the password, which are separated by hyphens.
PASSWORD_GROUPS = 4
#: Characters in each group.
PASSWORD_GROUP_LENGTH = 4


@dataclass(frozen=True, slots=True)
class Demo:
    """What a demo adds to a server: the demo account, and one desktop that is started in advance."""

    started_desktop: str


@dataclass(frozen=True, slots=True)
class DemoOptions:
    """The options of `lightbox demo`, as text where the person writes text."""

    host: str
    port: int
    profile: str  # desktop that is started in advance
    size: str | None  # WxH; None makes the desktops follow the viewer's window
    attach: str | None  # X display, as ":0"
    video: str  # policies, as `parse_policies` reads them
    share: bool
    copy_out: bool  # copies may leave every desktop that accepts pastes


def demo_config(base: Config, options: DemoOptions, *, state: Path | None = None) -> tuple[Config, Demo]:
    """Returns the demo's configuration. `base` supplies what the options leave open.

    Raises ConfigurationError when an option is wrong.
    """
    profiles = (*PROFILES, *FURTHER_PROFILES)
    if options.profile not in profiles:
        raise ConfigurationError(
            f"There is no profile named {options.profile!r}.", hint=f"Choose one of: {', '.join(profiles)}."
        )
    if options.size is not None:
        parse_size(options.size)
    try:
        policy, monitor_policies = parse_policies(options.video)
    except ValueError as error:
        raise ConfigurationError(
            f"--video: {error}.", hint="For example: --video adaptive,0=exact"
        ) from error

    def desktop(name: str, profile: str, title: str = "", attach: str | None = None) -> DesktopConfig:
        return DesktopConfig(
            name=name,
            profile=profile,
            title=title,
            size=options.size,
            users=[USERNAME],
            attach=attach,
            share=options.share,
            clipboard=_copying_out(profile) if options.copy_out else None,
            video=policy,
            video_monitors=monitor_policies,
        )

    desktops = [desktop(profile, profile) for profile in dict.fromkeys((*PROFILES, options.profile))]
    if options.attach is not None:
        check_display(options.attach)
        desktops.append(desktop(ATTACHED_DESKTOP, "blank", f"Display {options.attach}", options.attach))
    config = msgspec.structs.replace(
        base, host=options.host, port=options.port, state=state or base.state, desktops=desktops
    )
    return config, Demo(started_desktop=ATTACHED_DESKTOP if options.attach else options.profile)


def _copying_out(profile: str) -> ClipboardPolicy:
    """Returns the profile's policy, but copies may leave the desktop if anything may be pasted into it."""
    policy = load(profile).clipboard
    return msgspec.structs.replace(policy, from_desktop=True) if policy.to_desktop else policy


async def ensure_demo_account(accounts: Accounts, state: StateFolder) -> str:
    """Creates the demo account where it is missing, and returns its password.

    The password is generated once and kept in the state folder. If somebody has changed the account's
    password, it is set back.
    """
    try:
        password = state.demo_password.read_text().strip()
    except FileNotFoundError:
        groups = (
            "".join(secrets.choice(PASSWORD_CHARACTERS) for _ in range(PASSWORD_GROUP_LENGTH))
            for _ in range(PASSWORD_GROUPS)
        )
        password = "-".join(groups)
        write_private(state.demo_password, password.encode() + b"\n")
    if await accounts.find(USERNAME) is None:
        await accounts.add(USERNAME, password, display_name="Demo")
    elif await accounts.verify(USERNAME, password) is None:
        await accounts.set_password(USERNAME, password)
    return password
