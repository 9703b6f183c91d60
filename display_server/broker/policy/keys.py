"""What policies can decide on, one declaration per key. Pure.

A new key is one more `PolicyKey` in KEYS. Commands, interface, validation and resolution know it from then
on; the code that enforces it asks for its value by its name.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import get_args

from display_server.broker.policy.values import Choice, Kind, Limit, Names, Switch, Value
from display_server.desktop.clipboard_policy import DEFAULT_MAX_BYTES
from display_server.desktop.video_settings import VideoPolicy
from display_server.protocol.limits import CLIPBOARD_MAX_BYTES, MONITORS_MAX

#: The word for the absence of a limit.
UNLIMITED = "unlimited"
#: The word for every network.
ANYWHERE = "anywhere"
#: The word for something that is not allowed, or not asked for, at any time.
NEVER = "never"
#: What may be copied in one direction.
COPYING = ("nothing", "text", "text-and-images")
KIB = 1024


class Enforcement(Enum):
    """Where a key is enforced. The text is for people."""

    SIGN_IN = "when a person signs in, and at each request of a browser"
    CACHED_SIGN_IN = "when a person signs in while no server of the directory answers"
    SCREEN_LOCK = "by the screen lock of the broker"
    NETWORK = "when a person signs in or opens a desktop, and while they display it"
    OPENING = "when a person opens a desktop"
    REQUEST = "when a person asks for it"
    DESKTOP_END = "by the broker, which ends the desktop"
    AGENT = "by the agent of the desktop"

    @property
    def known(self) -> frozenset[str]:
        """The kinds of conditions that can be compared there. A rule with another one cannot set the key."""
        if self is Enforcement.CACHED_SIGN_IN:
            return frozenset({"group"})
        if self in (Enforcement.SIGN_IN, Enforcement.SCREEN_LOCK):
            return frozenset({"group", "network", "tag"})
        return frozenset({"desktop", "group", "network", "tag"})


@dataclass(frozen=True, slots=True)
class PolicyKey:
    """A key: the kind of its values, its default, its name for people by language, and its enforcement."""

    name: str
    kind: Kind
    default: Value
    titles: Mapping[str, str]
    enforced: Enforcement


class PolicyKeys:
    """A table of keys, in the order in which people see them. Raises ValueError for a wrong declaration."""

    def __init__(self, keys: Iterable[PolicyKey]) -> None:
        self._keys: dict[str, PolicyKey] = {}
        for key in keys:
            if key.name in self._keys:
                raise ValueError(f"{key.name} is declared twice")
            try:
                key.kind.checked(key.default)
            except ValueError as error:
                raise ValueError(f"the default of {key.name} is wrong: {error}") from error
            if not {"en", "ko"} <= key.titles.keys():
                raise ValueError(f"{key.name} lacks a title in English or Korean")
            self._keys[key.name] = key

    def __iter__(self) -> Iterator[PolicyKey]:
        return iter(self._keys.values())

    def get(self, name: str) -> PolicyKey | None:
        return self._keys.get(name)

    def __getitem__(self, name: str) -> PolicyKey:
        return self._keys[name]

    @property
    def names(self) -> list[str]:
        return list(self._keys)


def _size(name: str, english: str, korean: str) -> PolicyKey:
    return PolicyKey(
        name,
        Limit(1, CLIPBOARD_MAX_BYTES // KIB, "KiB"),
        DEFAULT_MAX_BYTES // KIB,
        {"en": english, "ko": korean},
        Enforcement.AGENT,
    )


KEYS = PolicyKeys(
    [
        PolicyKey(
            "allowed_networks",
            Names(ANYWHERE, "names of networks, separated by commas"),
            ANYWHERE,
            {"en": "Networks from which work is allowed", "ko": "작업이 허용된 네트워크"},
            Enforcement.NETWORK,
        ),
        PolicyKey(
            "second_factor",
            Choice((NEVER, "outside", "always")),
            NEVER,
            {"en": "Second factor at sign-in", "ko": "로그인할 때의 2단계 인증"},
            Enforcement.SIGN_IN,
        ),
        PolicyKey(
            "cached_sign_in_hours",
            Limit(0.25, 720, "hours", word=NEVER),
            NEVER,
            {
                "en": "Sign-in with a cached password while the directory is away",
                "ko": "디렉터리를 사용할 수 없을 때 저장된 암호로 로그인",
            },
            Enforcement.CACHED_SIGN_IN,
        ),
        PolicyKey(
            "idle_lock_minutes",
            Limit(1, 480, "minutes"),
            10,
            {"en": "Screen lock without input after", "ko": "입력이 없을 때 화면 잠금까지의 시간"},
            Enforcement.SCREEN_LOCK,
        ),
        PolicyKey(
            "several_desktops",
            Switch(),
            True,
            {
                "en": "Several desktops of a person at the same time",
                "ko": "한 사람이 여러 데스크톱을 동시에 사용",
            },
            Enforcement.OPENING,
        ),
        PolicyKey(
            "sharing",
            Switch(),
            False,
            {"en": "Several devices at the same time", "ko": "여러 기기에서 동시에 표시"},
            Enforcement.AGENT,
        ),
        PolicyKey(
            "monitors",
            Limit(1, MONITORS_MAX, "", whole=True),
            MONITORS_MAX,
            {"en": "Largest number of monitors", "ko": "모니터의 최대 개수"},
            Enforcement.AGENT,
        ),
        PolicyKey(
            "picture_mode",
            Choice(get_args(VideoPolicy)),
            "adaptive",
            {"en": "Picture mode", "ko": "화면 모드"},
            Enforcement.AGENT,
        ),
        PolicyKey(
            "clipboard_to_desktop",
            Choice(COPYING),
            "nothing",
            {"en": "Copying to the desktop", "ko": "데스크톱으로 복사"},
            Enforcement.AGENT,
        ),
        PolicyKey(
            "clipboard_from_desktop",
            Choice(COPYING),
            "nothing",
            {"en": "Copying from the desktop", "ko": "데스크톱에서 복사"},
            Enforcement.AGENT,
        ),
        _size(
            "clipboard_text_to_desktop_kib",
            "Largest text to the desktop",
            "데스크톱으로 복사할 텍스트의 최대 크기",
        ),
        _size(
            "clipboard_images_to_desktop_kib",
            "Largest image to the desktop",
            "데스크톱으로 복사할 이미지의 최대 크기",
        ),
        _size(
            "clipboard_text_from_desktop_kib",
            "Largest text from the desktop",
            "데스크톱에서 복사할 텍스트의 최대 크기",
        ),
        _size(
            "clipboard_images_from_desktop_kib",
            "Largest image from the desktop",
            "데스크톱에서 복사할 이미지의 최대 크기",
        ),
        PolicyKey(
            "restart_desktop",
            Switch(),
            True,
            {
                "en": "People may end their desktop, to start it anew",
                "ko": "사용자가 자신의 데스크톱을 종료하고 다시 시작",
            },
            Enforcement.REQUEST,
        ),
        PolicyKey(
            "unattended_hours",
            Limit(0.05, 8760, "hours", word=UNLIMITED),
            24,
            {"en": "End of a desktop that nobody displays", "ko": "아무도 표시하지 않는 데스크톱의 종료"},
            Enforcement.DESKTOP_END,
        ),
        PolicyKey(
            "session_hours",
            Limit(0.25, 8760, "hours", word=UNLIMITED),
            UNLIMITED,
            {"en": "Longest time of a desktop", "ko": "데스크톱의 최대 사용 시간"},
            Enforcement.DESKTOP_END,
        ),
    ]
)
