"""Lists in pages, and times as text."""

from __future__ import annotations

import datetime
from typing import Annotated, Generic, TypeVar

from fastapi import Depends, Path, Query
from pydantic import BaseModel, ConfigDict, Field

Item = TypeVar("Item")

LIMIT_DEFAULT, LIMIT_MAX = 50, 200
#: Longest text that a list is searched for, characters.
SEARCH_MAX = 100
CURSOR_MAX = 200

#: What texts of requests consist of: databases refuse some control characters, and terminals obey others.
PLAIN = r"^[^\x00-\x1f\x7f]*$"
#: A name in a path. What it names is looked up, so that it may contain anything printable.
NamePath = Annotated[str, Path(min_length=1, max_length=128, pattern=PLAIN)]
#: A name in a body, and one of a query.
Name = Annotated[str, Field(min_length=1, max_length=128, pattern=PLAIN)]
NameQuery = Annotated[str, Query(min_length=1, max_length=128, pattern=PLAIN)]
OptionalQuery = Annotated[str | None, Query(max_length=128, pattern=PLAIN)]


class Listed(BaseModel, Generic[Item]):
    """A page of a list. `next` is the cursor of the page after it, for `after`; null on the last page."""

    items: list[Item]
    next: str | None
    total: int


class Body(BaseModel):
    """The body of a request. Fields that are not known are refused."""

    model_config = ConfigDict(extra="forbid", strict=True)


class PageOf(BaseModel):
    """Which page is wanted. `q` is a text that the items contain."""

    q: str
    limit: int
    after: str | None

    @property
    def number(self) -> int | None:
        """The cursor of a list that is numbered."""
        return None if self.after is None else int(self.after)


def page_of(
    q: Annotated[str, Query(max_length=SEARCH_MAX, pattern=PLAIN)] = "",
    limit: Annotated[int, Query(ge=1, le=LIMIT_MAX)] = LIMIT_DEFAULT,
    after: Annotated[str | None, Query(max_length=CURSOR_MAX, pattern=PLAIN)] = None,
) -> PageOf:
    return PageOf(q=q.strip(), limit=limit, after=after)


def numbered_page_of(
    q: Annotated[str, Query(max_length=SEARCH_MAX, pattern=PLAIN)] = "",
    limit: Annotated[int, Query(ge=1, le=LIMIT_MAX)] = LIMIT_DEFAULT,
    after: Annotated[str | None, Query(pattern=r"^[0-9]{1,18}$")] = None,
) -> PageOf:
    return PageOf(q=q.strip(), limit=limit, after=after)


Page = Annotated[PageOf, Depends(page_of)]
NumberedPage = Annotated[PageOf, Depends(numbered_page_of)]


def page_from(items: list[Item], keys: list[str], page: PageOf) -> tuple[list[Item], str | None, int]:
    """Takes one page out of a whole list, which is sorted by `keys`. Returns it, its cursor and the total."""
    start = 0
    if page.after is not None:
        start = next((n for n, key in enumerate(keys) if key > page.after), len(keys))
    part = items[start : start + page.limit]
    end = start + len(part)
    return part, keys[end - 1] if part and end < len(items) else None, len(items)


def time_text(at_s: float | None) -> str | None:
    """Returns a time in seconds since the epoch as text, UTC, to the millisecond."""
    if at_s is None:
        return None
    return sure_time_text(at_s)


def sure_time_text(at_s: float) -> str:
    moment = datetime.datetime.fromtimestamp(at_s, datetime.UTC)
    return moment.isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"
