"""Decides which input of a viewer still counts, and when a silent viewer's keys are released. No I/O."""

from __future__ import annotations

from msgspec.structs import replace

from display_server.agent.input import keysyms
from display_server.protocol import messages as m

#: Input that was made longer ago than this, s, is dropped: the person meant another picture.
INPUT_MAX_AGE_S = 1.0
#: What a viewer holds is released when nothing was heard of it for this time, s. It sends a `ping` every
#: 0.5 s, and a drag survives a gap in the Wi-Fi.
SILENCE_S = 2.0
#: A loss of input is announced at most this often, s.
ANNOUNCE_INTERVAL_S = 3.0


class InputGuard:
    """What one viewer holds, as far as it told, and which of its messages have an effect.

    `patience` multiplies the times after which input is late and a viewer silent.
    """

    def __init__(self, patience: float = 1.0) -> None:
        self._max_age_s = INPUT_MAX_AGE_S * patience
        self._silence_s = SILENCE_S * patience
        self._heard_s: float | None = None
        self._held: dict[str, int] = {}  # keys that the desktop holds for this viewer: code → keysym
        self._missing: set[str] = set()  # codes of modifiers that the viewer holds, but the desktop does not
        self._reported = 0  # buttons in the viewer's latest message
        self._ignored = 0  # buttons without effect until the viewer reports them up
        self._upload_s: tuple[float, float] | None = None  # first and last piece of the latest upload
        self._lost = False
        self._announced_s = -float("inf")

    def on_heard(self, now_s: float) -> None:
        self._heard_s = now_s

    def on_upload(self, now_s: float) -> None:
        """A piece of clipboard content arrived. Input that was sent behind it could not arrive earlier."""
        began_s, ended_s = self._upload_s or (now_s, now_s)
        self._upload_s = (began_s if now_s - ended_s < self._max_age_s else now_s), now_s

    def release_due(self, now_s: float) -> bool:
        """Returns whether what the viewer holds must be released now, and forgets that it is held."""
        if self._heard_s is None or now_s - self._heard_s < self._silence_s:
            return False
        held = bool(self._held or self._reported & ~self._ignored)
        self.forget()
        return held

    def lose(self) -> None:
        """Input was dropped behind the guard, and everything was released on the desktop."""
        self._lost = True
        self.forget()

    def forget(self) -> None:
        """Everything was released on the desktop, though the person may still hold it."""
        self._missing.update(code for code, keysym in self._held.items() if keysym in keysyms.MODIFIERS)
        self._held.clear()
        self._ignored = self._reported

    def loss_to_announce(self, now_s: float) -> bool:
        """Returns whether to notify the person now that input was dropped."""
        if not self._lost or now_s - self._announced_s < ANNOUNCE_INTERVAL_S:
            return False
        self._lost, self._announced_s = False, now_s
        return True

    def admit(self, message: m.InputMessage, now_s: float) -> m.InputMessage | None:
        """Returns what has an effect of this message, or None."""
        late = self._is_late(message.t, now_s)
        match message:
            case m.Pointer():
                return self._admit_pointer(message, late=late)
            case m.Key():
                return self._admit_key(message, late=late)
            case m.Release():
                self._held.clear()
                self._missing.clear()
                self._reported = self._ignored = message.buttons
                return message
        self._lost = self._lost or late
        return None if late else message

    def _admit_pointer(self, message: m.Pointer, *, late: bool) -> m.Pointer | m.Release | None:
        held = self._reported & ~self._ignored
        pressed = message.buttons & ~self._reported
        self._reported = message.buttons
        self._ignored &= message.buttons
        if late:
            self._lost = self._lost or bool(pressed)
            self._ignored |= pressed
        effective = message.buttons & ~self._ignored
        if not late:
            return message if effective == message.buttons else replace(message, buttons=effective)
        if held & ~effective and not effective:
            # A late release takes effect where the pointer is, because the way there was dropped.
            self.forget()
            return m.Release()
        return None

    def _admit_key(self, message: m.Key, *, late: bool) -> m.Key | None:
        if not message.down:
            self._held.pop(message.code, None)
            self._missing.discard(message.code)
            return message
        if message.repeat and message.code not in self._held:
            return None  # the desktop does not hold the key: it was released during a gap
        modifier = message.keysym in keysyms.MODIFIERS
        if late or (self._missing and not modifier):
            # Without a modifier that the person holds, a shortcut would type a letter.
            self._lost = True
            if modifier:
                self._missing.add(message.code)
            return None
        self._held[message.code] = message.keysym
        self._missing.discard(message.code)
        return message

    def _is_late(self, made_ms: float | None, now_s: float) -> bool:
        if made_ms is None:
            return False
        made_s = made_ms / 1000
        if self._upload_s is not None:
            began_s, ended_s = self._upload_s
            if began_s - self._max_age_s <= made_s <= ended_s:
                return now_s - ended_s > self._max_age_s
        return now_s - made_s > self._max_age_s
