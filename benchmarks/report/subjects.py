"""Explains the subjects of a run in words, for every table that names them."""

from __future__ import annotations

SUBJECT_TITLES = {
    "lightbox": "Lightbox under its default policy, which sends motion as video only if the link or the "
    "browser cannot carry it as lossless tiles",
    "lightbox-exact": "Lightbox with lossless tiles only",
    "lightbox-economy": "Lightbox sending all motion as video",
    "lightbox-thrifty": "Lightbox sending all motion as video, at 2.5 Mbit/s on average",
    "lightbox-420": "Lightbox in a browser that cannot decode H.264 4:4:4",
    "lightbox-isolation": "Lightbox with each desktop in a container of its own",
    "lightbox-no-isolation": "Lightbox with desktops that run as the user who started it",
    "novnc": "noVNC and TigerVNC at noVNC's default, JPEG quality 6, without TLS",
    "novnc-lossless": "noVNC and TigerVNC without JPEG, without TLS",
    "selkies": "Selkies at its defaults, H.264 4:2:0 over a WebSocket, without TLS",
    "selkies-webrtc": "Selkies at its defaults over WebRTC",
    "xpra": "Debian's xpra with its HTML5 client at its defaults, without TLS",
}


def is_peer(subject: str) -> bool:
    """Returns whether a subject is another product than Lightbox."""
    return not subject.startswith("lightbox")


def explain(subject: str) -> str:
    """Returns what a subject is, or its name if this version does not know it."""
    return SUBJECT_TITLES.get(subject, subject)
