"""Names as people paste them back from a list, where what cannot be printed stands as an escape.  Pure.

Lists show a newline as ``\\n`` and a byte that is no UTF-8 as ``\\udce9``, and a name may have such letters in it itself.  So
what was typed is taken as it stands first, and an exact name always wins; only what names nothing is read as the escapes that
lists write, all of them before some of them.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from itertools import islice, product
from typing import TypeVar

from core.restore.tree import Directory, Node

_MOST = 64
"""So many ways of reading one text are tried, and .."""
_FEW = 9
""".. so many where each one is looked for in all indexes."""
_Found = TypeVar("_Found")
_ESCAPE = re.compile(r"\\(?:([nrt])|x([0-9a-f]{2})|u([0-9a-f]{4})|U(000[0-9a-f]{5}|0010[0-9a-f]{4}))")
_LETTERS = {"n": "\n", "r": "\r", "t": "\t"}


def readings(text: str) -> Iterator[str]:
    """``text`` as it stands, and then what a list may have shown so."""
    yield text
    pieces, end = list[tuple[str, ...]](), 0
    for escape in _ESCAPE.finditer(text):
        pieces += [(text[end:escape.start()],), _meanings(escape)]
        end = escape.end()
    for chosen in islice(product(*pieces), _MOST if pieces else 0):
        said = "".join(chosen) + text[end:]
        if said != text and _is_name(said):
            yield said


def _meanings(escape: re.Match[str]) -> tuple[str, ...]:
    letter, byte, *_ = escape.groups()
    if letter:
        return _LETTERS[letter], escape[0]
    number = int(escape[0][2:], 16)
    # A terminal that has no Unicode shows one of the first 256 letters so; others write a byte like this.
    return (chr(number), *([chr(0xDC00 + number)] if byte and number > 0x7F else []), escape[0])


def first_named(text: str, look: Callable[[str], _Found]) -> _Found:
    """What ``look`` gives for the first reading of ``text`` for which it gives anything; else for ``text`` itself."""
    none = look(text)
    return none or next((found for said in islice(readings(text), 1, _FEW) if (found := look(said))), none)


def real_path(top: Node, path: str) -> str:
    """``path`` below ``top`` as its names really are; as it stands where that, or nothing, is there."""
    names = _names_at(top, path.split("/")) if "\\" in path else None
    return path if names is None else "/".join(names)


def _names_at(node: Node, parts: list[str]) -> list[str] | None:
    """The names by which ``parts`` lead from ``node`` to something."""
    if not parts:
        return []
    if not isinstance(node, Directory):
        return None
    for said in readings(parts[0]):
        child = None if "/" in said else node.child(os.fsencode(said))
        if child is not None and (below := _names_at(child, parts[1:])) is not None:
            return [said, *below]
    return None


def _is_name(text: str) -> bool:
    try:
        return b"\0" not in os.fsencode(text)
    except UnicodeEncodeError:  # half of a letter, which no name has
        return False
