"""Rectangles of the screen: monitors, work areas, and the frames of windows. Pure."""

from __future__ import annotations

from dataclasses import dataclass


class Rectangle:
    """What all rectangles have in common, px. Right and lower edge are exclusive."""

    __slots__ = ()
    x: int
    y: int
    width: int
    height: int

    @property
    def right(self) -> int:
        return self.x + self.width

    @property
    def bottom(self) -> int:
        return self.y + self.height

    def contains(self, other: Rectangle) -> bool:
        return (
            self.x <= other.x
            and self.y <= other.y
            and other.right <= self.right
            and other.bottom <= self.bottom
        )

    def overlap_px(self, other: Rectangle) -> int:
        """Returns the number of pixels that both rectangles have in common."""
        width = min(self.right, other.right) - max(self.x, other.x)
        height = min(self.bottom, other.bottom) - max(self.y, other.y)
        return max(0, width) * max(0, height)


@dataclass(frozen=True, slots=True)
class Area(Rectangle):
    """A rectangle of the screen, px."""

    x: int
    y: int
    width: int
    height: int
