"""Turns resolved policies into what the parts of Lightbox that enforce them use. Pure."""

from __future__ import annotations

from typing import Literal, cast

from display_server.broker.policy.keys import ANYWHERE, KIB, NEVER
from display_server.broker.policy.resolution import Effective, Facts
from display_server.broker.policy.values import Value, number_or_none
from display_server.desktop.clipboard_policy import ClipboardRights, Copying
from display_server.desktop.session_policy import SessionPolicy
from display_server.desktop.video_settings import VideoPolicy

_COPYING: dict[Value, Copying] = {"nothing": "nothing", "text": "text", "text-and-images": "text-and-images"}


def session_policy(effective: Effective, started: SessionPolicy) -> SessionPolicy:
    """Returns what the agent enforces for one viewer.

    `started` is what the desktop was started with. It applies as far as no rule says anything else, because
    the configuration may have changed since, which concerns only desktops that start later.
    """

    def copying(key: str, otherwise: Copying) -> Copying:
        return _COPYING[effective[key]] if effective.from_policy(key) else otherwise

    def size(key: str, otherwise: int) -> int:
        number = number_or_none(effective[key])
        return int(number * KIB) if number is not None and effective.from_policy(key) else otherwise

    rights = started.clipboard
    monitors = number_or_none(effective["monitors"])
    assert monitors is not None  # the key has no word that stands for its absence
    return SessionPolicy(
        clipboard=ClipboardRights(
            to_desktop=copying("clipboard_to_desktop", rights.to_desktop),
            from_desktop=copying("clipboard_from_desktop", rights.from_desktop),
            text_to_desktop_bytes=size("clipboard_text_to_desktop_kib", rights.text_to_desktop_bytes),
            images_to_desktop_bytes=size("clipboard_images_to_desktop_kib", rights.images_to_desktop_bytes),
            text_from_desktop_bytes=size("clipboard_text_from_desktop_kib", rights.text_from_desktop_bytes),
            images_from_desktop_bytes=size(
                "clipboard_images_from_desktop_kib", rights.images_from_desktop_bytes
            ),
        ),
        picture=cast(VideoPolicy, effective["picture_mode"])
        if effective.from_policy("picture_mode")
        else started.picture,
        monitors=int(monitors),
        share=bool(effective["sharing"]) if effective.from_policy("sharing") else started.share,
    )


def network_allowed(effective: Effective, facts: Facts) -> bool:
    """Returns whether work is allowed from the networks of an address."""
    allowed = effective["allowed_networks"]
    return allowed == ANYWHERE or (
        isinstance(allowed, tuple) and not facts.networks.keys().isdisjoint(allowed)
    )


def second_factor(effective: Effective) -> Literal["never", "outside", "always"]:
    """Returns when a second factor is required."""
    return cast(Literal["never", "outside", "always"], effective["second_factor"])


def idle_lock_s(effective: Effective) -> float:
    """Returns the time without input after which the screen is locked, s."""
    minutes = number_or_none(effective["idle_lock_minutes"])
    assert minutes is not None  # the key has no word that stands for its absence
    return minutes * 60


def hours_in_s(effective: Effective, key: str) -> float | None:
    """Returns a limit that is given in hours, s; None if there is none."""
    hours = number_or_none(effective[key])
    return None if hours is None else hours * 3600


def cached_sign_in_s(effective: Effective) -> float:
    """Returns for how long a cached password counts, s; 0 for not at all."""
    value = effective["cached_sign_in_hours"]
    return 0.0 if value == NEVER else (number_or_none(value) or 0.0) * 3600
