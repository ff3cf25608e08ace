"""Patterns of the shell over the names of an index, without looking at each name where that can be helped.  Pure."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

_SPECIAL = re.compile(rb"\[[^]]*\]|[*?\[\]]")


def part_of(needle: bytes, fold: bool) -> Callable[[bytes], object]:
    """Tells whether ``needle`` is in a text; with ``fold`` whatever the case of its letters, UTF-8 ones too."""
    if not fold:
        return lambda text: needle in text
    if needle.isascii():
        small = needle.lower()
        return lambda text: small in text.lower()
    letters = needle.decode("utf-8", "surrogateescape")
    raw = [b"|".join(re.escape(form.encode("utf-8", "surrogateescape"))
                     for form in dict.fromkeys((letter, letter.lower(), letter.upper()))) for letter in letters]
    return re.compile(b"".join(b"(?:" + forms + b")" for forms in raw)).search


@dataclass(frozen=True, slots=True)
class Pattern:
    """``literal``: bytes that every name which fits has, in its last component or else in its directory."""

    whole: bool
    literal: bytes
    fits: Callable[[bytes], object]

    def may_be_in(self, names: bytes, directories: Callable[[], bytes]) -> bool:
        """Whether any name of a group may fit."""
        return self.literal in names or (self.whole and self.literal in directories())

    def fitting(self, directory: bytes, names: Sequence[bytes], start: int, end: int) -> Iterator[int]:
        """The numbers of those names of a directory that fit, from ``start`` to before ``end``."""
        fits = self.fits
        if self.whole:
            before = directory + b"/" if directory else b""
            return (number for number in range(start, end) if names[number] and fits(before + names[number]))
        return (number for number in range(start, end) if names[number] and fits(names[number]))


def pattern_of(glob: bytes) -> Pattern:
    """The pattern that ``glob`` is: with a slash of the path from the disk's top, else of the last component."""
    whole = b"/" in glob
    wanted = glob.lstrip(b"/") if whole else glob
    pieces = [piece for part in _SPECIAL.split(wanted) for piece in part.split(b"/")]
    # fnmatch works on text; in latin-1 each byte is a letter of its own.
    fits = re.compile(fnmatch.translate(wanted.decode("latin-1")).encode("latin-1")).match
    return Pattern(whole, max(pieces, key=len, default=b""), fits)
