"""The orders in which the words of a list may stand, as Amanda 3.5.1 takes them.

A line becomes a text of one word for each of its words: ``"`` for a string, ``#`` for a number, ``=`` for a name that is no
keyword of the list, a sign as it is, a keyword in small letters with ``-``.
"""

from __future__ import annotations

import re

from core.amanda.words import Word, same

_EVENT = "(?:pre|post)-(?:(?:dle|host)-)?(?:amcheck|estimate|backup)|(?:pre|post)-(?:level-)?recover|inter-level-recover"
_SHAPES: dict[str, tuple[str, str]] = {
    "labelstr": (r'"(?: ")*|match-autolabel', "a text in double quotes or MATCH-AUTOLABEL"),
    "autolabel": (r'"(?: (?:any|new-volume|other-config|non-amanda|volume-error|empty))*',
                  "a template in double quotes, then any, other-config, non-amanda, volume-error or empty"),
    "names": (r'(?:"|=)(?: (?:"|=))*', "names"),
    "texts": (r'"(?: ")*', "texts in double quotes"),
    "ports": (r"# , #", "two numbers with a comma between them"),
    "limit": (r'(?:(?:"|same-host|server)(?: |$))*', "same-host, server or names in double quotes"),
    "property": (r'(?:(?:append|priority|hidden|visible) )*"(?: ")*', "a name and values, each in double quotes"),
    "compress": (r"(?:(?:client|server|none|fast|best|custom)(?: |$))+",
                 "none, or client or server with fast, best or custom"),
    "encrypt": (r"none|client|server", "none, client or server"),
    "comprate": (r"#(?:(?: ,)? #)?", "one or two numbers with a comma between them"),
    "estimate": (r"(?:client|server|calcsize)(?: (?:client|server|calcsize))*", "client, calcsize or server"),
    "port": (r'"|#', "a number or a text in double quotes"),
    "tag": (r'(?:append )?(?:" ?)*', "tags in double quotes"),
    "patterns": (r'(?:(?:file|list)(?: |$))?(?:optional(?: |$))?(?:append(?: |$))?(?:"(?: ")*)?',
                 "file or list, optional, append, then patterns in double quotes"),
    "events": (rf"(?:{_EVENT})(?: , (?:{_EVENT}))*", "names of events with commas between them"),
    "selection": (r'(?:"|all|other) (?:all|full|incr)', "a tag, ALL or OTHER, then ALL, FULL or INCR"),
    "vault": (r'(?:"|=) #', "a storage and a number of days"),
}
_COMPILED = {name: re.compile(pattern) for name, (pattern, _) in _SHAPES.items()}


def check(name: str, words: tuple[Word, ...]) -> None:
    """ValueError when the words do not stand as the list wants them."""
    pattern = _COMPILED[name]
    numbers = [float(word.text) for word in words if word.kind == "number"]
    if pattern.fullmatch(" ".join(_letter(name, word) for word in words)) is None:
        raise ValueError(f"wanted is {_SHAPES[name][1]}")
    if name == "comprate" and min(numbers) < 0:
        raise ValueError("a rate is at least 0")
    if name == "ports" and numbers != sorted(numbers):
        raise ValueError("the lower number comes first")


def _letter(name: str, word: Word) -> str:
    if word.kind == "string":
        return '"'
    if word.kind == "number":
        return "#"
    if word.kind == "sign":
        return word.text
    return "=" if name in ("names", "vault") else same(word.text)
