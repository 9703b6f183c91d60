"""Makes the specification of a desktop that is about to start."""

from __future__ import annotations

import secrets
from dataclasses import dataclass

import msgspec

from display_server.broker.folders import DesktopFolders
from display_server.broker.tables import Desktop
from display_server.desktop.clipboard_policy import ClipboardPolicy
from display_server.desktop.spec import DesktopSpec
from display_server.desktop.video_settings import VideoSettings, known_policy

#: Characters of session ids, which appear in folder names and logs. There are no vowels, so that no words
#: arise, and no characters that are easily confused, such as l and 1.
ID_CHARACTERS = "bcdfghjkmnpqrstvwxz23456789"
#: Length of session ids, characters.
ID_LENGTH = 10


@dataclass
class DesktopSpecs:
    """The settings that all desktops share. They may be changed, and apply to desktops that start later."""

    folders: DesktopFolders
    locale: str = "ko_KR.UTF-8"
    patience: float = 1.0
    video: VideoSettings = VideoSettings()  # noqa: RUF009 - frozen

    def of_person(self, username: str, desktop: Desktop) -> DesktopSpec:
        """The desktop of one person, with the home that they keep; also one of a dedicated pool."""
        session = _new_id()
        return self._spec(session, desktop, username, str(self.folders.homes / username / desktop.name))

    def of_place(self, place: int, desktop: Desktop) -> DesktopSpec:
        """A desktop of a floating pool, whose home ends with it."""
        session = _new_id()
        home = str(self.folders.desktops / session / "home")
        return self._spec(session, desktop, place_user(place), home, keeps_home=False)

    def _spec(
        self, session: str, desktop: Desktop, user: str, home: str, *, keeps_home: bool = True
    ) -> DesktopSpec:
        monitors = msgspec.json.decode(desktop.video_monitors or "{}", type=dict[int, str])
        return DesktopSpec(
            session=session,
            user=user,
            desktop=desktop.name,
            profile=desktop.profile,
            width_px=desktop.width_px,
            height_px=desktop.height_px,
            fixed=bool(desktop.fixed),
            home=home,
            keeps_home=keeps_home,
            folder=str(self.folders.desktops / session),
            log_folder=str(self.folders.logs),
            locale=self.locale,
            patience=self.patience,
            attach=desktop.attach,
            share=bool(desktop.share),
            network=msgspec.json.decode(desktop.network or "[]", type=list[str]),
            clipboard=msgspec.json.decode(desktop.clipboard or "{}", type=ClipboardPolicy),
            video=msgspec.structs.replace(
                self.video,
                policy=known_policy(desktop.video),
                monitors={number: known_policy(policy) for number, policy in monitors.items()},
            ),
        )


def place_user(place: int) -> str:
    """Returns who owns a desktop of a pool, for launcher and spawner, whoever the person is.

    It is no name of a Unix user, so that the person's name inside is the same on all desktops of pools.
    """
    return f"place.{place}"


def _new_id() -> str:
    return "".join(secrets.choice(ID_CHARACTERS) for _ in range(ID_LENGTH))
