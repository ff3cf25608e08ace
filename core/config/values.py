"""Turning one TOML value into one value of ours, or saying in a sentence why that cannot be.

Each function takes what `tomllib` gave and returns the value; ValueError carries the sentence.  Sizes come out in KiB,
times in seconds, rates in KiB/s.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Iterable
from typing import Any

from core.config.faults import nearest
from core.model.units import parse_bandwidth, parse_duration, parse_size

Convert = Callable[[Any], Any]

_KINDS = {
    bool: "true or false", int: "a whole number", float: "a number", str: "a text in quotes", list: "a list",
    dict: "a table",
}
_CLOCK = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)")
PRIORITIES = {"low": 0, "medium": 1, "high": 2}


def wrong_kind(value: Any, wanted: str) -> ValueError:
    """``is a list; wanted is a text in quotes``."""
    return ValueError(f"is {_KINDS.get(type(value), 'a date')}; wanted is {wanted}")


def text(value: Any) -> str:
    """A text that is not empty."""
    if not isinstance(value, str):
        raise wrong_kind(value, "a text in quotes")
    if not value:
        raise ValueError("is empty")
    if "\0" in value:
        raise ValueError("holds a NUL character, which no name can have")
    return value


def maybe_text(value: Any) -> str:
    """A text that may be empty."""
    return "" if value == "" else text(value)


def flag(value: Any) -> bool:
    """true or false."""
    if not isinstance(value, bool):
        raise wrong_kind(value, "true or false")
    return value


def whole(low: int, high: int) -> Convert:
    """A whole number from ``low`` to ``high``."""

    def convert(value: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, int):
            raise wrong_kind(value, f"a whole number from {low} to {high}")
        if not low <= value <= high:
            raise ValueError(f"is {value}; it may be from {low} to {high}")
        return value

    return convert


def number(low: float, high: float) -> Convert:
    """A number from ``low`` to ``high``."""

    def convert(value: Any) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise wrong_kind(value, f"a number from {low:g} to {high:g}")
        if not low <= value <= high:
            raise ValueError(f"is {value:g}; it may be from {low:g} to {high:g}")
        return float(value)

    return convert


def size(low: int = 0) -> Convert:
    """KiB of a size with a unit; at least ``low`` KiB."""

    def convert(value: Any) -> int:
        kib = _with_unit(value, parse_size, "a size with a unit, such as \"10 GiB\"")
        if kib // 1024 < low:
            raise ValueError(f"is {value!r}; the least is {low} KiB")
        return int(kib // 1024)

    return convert


def use(value: Any) -> int:
    """KiB of a holding disk's ``use``: a size, a negative one (all but that), or ``"all"``."""
    if value == "all":
        return 0
    kib = int(_with_unit(value, parse_size, "a size with a unit, such as \"50 GiB\", \"-10 GiB\" or \"all\"") / 1024)
    if kib == 0:
        raise ValueError(f"is {value!r}, which is no room at all; write \"all\" for all that is free")
    return kib


def duration(value: Any) -> float:
    """Seconds of a time with a unit, not negative."""
    seconds = float(_with_unit(value, parse_duration, "a time with a unit, such as \"10 min\""))
    if seconds < 0:
        raise ValueError(f"is {value!r}; a time cannot be negative")
    return seconds


def some_time(value: Any) -> float:
    """Seconds of a time that is longer than nothing."""
    seconds = duration(value)
    if seconds <= 0:
        raise ValueError(f"is {value!r}; it has to be longer than nothing")
    return seconds


def days(value: Any) -> int:
    """Whole days of a time with a unit."""
    seconds = duration(value)
    if seconds % 86400:
        raise ValueError(f"is {value!r}; it has to be whole days")
    return int(seconds // 86400)


def bandwidth(value: Any) -> int:
    """KiB/s of a bandwidth with a unit."""
    kps = int(_with_unit(value, parse_bandwidth, "a bandwidth with a unit, such as \"900 Mbps\""))
    if kps <= 0:
        raise ValueError(f"is {value!r}; nothing could flow")
    return kps


def clock(value: Any) -> float:
    """Seconds after midnight, local time, of ``"22:30"``."""
    found = _CLOCK.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        raise ValueError("is no time of day; wanted is hours and minutes, such as \"22:30\"")
    return float(int(found[1]) * 3600 + int(found[2]) * 60)


def texts(value: Any) -> tuple[str, ...]:
    """A list of texts; one text is a list of one."""
    if isinstance(value, str):
        return (text(value),)
    if not isinstance(value, list):
        raise wrong_kind(value, "a text or a list of texts")
    found: list[str] = []
    for position, item in enumerate(value, 1):
        try:
            found.append(text(item))
        except ValueError as fault:
            raise ValueError(f"entry {position} {fault}") from None
    return tuple(found)


def command(value: Any) -> tuple[str, ...]:
    """A command line: a list of words, or one text that is split as a shell would."""
    if isinstance(value, list):
        return texts(value)
    try:
        words = tuple(shlex.split(text(value)))
    except ValueError as fault:
        raise ValueError(f"is no command line: {fault}" if isinstance(value, str) and value else str(fault)) from None
    if not words:
        raise ValueError("is empty")
    return words


def one_of(known: Iterable[str]) -> Convert:
    """One of these words."""
    names = tuple(map(str, known))  # an enum's members are shown as what is written

    def convert(value: Any) -> str:
        word = text(value)
        if word not in names:
            raise ValueError(f"is {word!r}, which is not known{nearest(word, names)}")
        return word

    return convert


def list_of(known: Iterable[str]) -> Convert:
    """A list of some of these words, none twice."""
    one = one_of(known)

    def convert(value: Any) -> tuple[str, ...]:
        words = tuple(one(word) for word in texts(value))
        if not words:
            raise ValueError("is an empty list")
        if len(set(words)) < len(words):
            raise ValueError("names a word twice")
        return words

    return convert


def letters(known: str) -> Convert:
    """A text made of these letters."""

    def convert(value: Any) -> str:
        word = text(value)
        if strange := sorted(set(word) - set(known)):
            raise ValueError(f"is {word!r}; {strange[0]!r} is none of the letters {known}")
        return word

    return convert


def priority(value: Any) -> int:
    """``low``, ``medium``, ``high`` or a number from 0 to 9."""
    if isinstance(value, str):
        return PRIORITIES[one_of(PRIORITIES)(value)]
    return int(whole(0, 9)(value))


def comprate(value: Any) -> tuple[float, float]:
    """Expected compressed size as a part of the whole: of fulls and of incrementals."""
    one = number(0.01, 2)
    if isinstance(value, list):
        if len(value) != 2:
            raise ValueError("has to have two numbers: for fulls and for incrementals")
        return (one(value[0]), one(value[1]))
    return (one(value), one(value))


def pattern(value: Any) -> str:
    """A regular expression."""
    word = text(value)
    try:
        re.compile(word)
    except re.error as fault:
        raise ValueError(f"is {word!r}, which is no regular expression: {fault}") from None
    return word


def _with_unit(value: Any, parse: Callable[[str], float], wanted: str) -> float:
    if isinstance(value, int | float) and not isinstance(value, bool):
        raise ValueError(f"is {value} without a unit; wanted is {wanted}")
    if not isinstance(value, str):
        raise wrong_kind(value, wanted)
    try:
        found = parse(value)
    except (ValueError, OverflowError):
        raise ValueError(f"is {value!r}; wanted is {wanted}") from None
    if abs(found) >= 1 << 62:
        raise ValueError(f"is {value!r}, which is more than there is")
    return found
