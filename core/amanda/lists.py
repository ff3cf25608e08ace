"""Settings whose lines add up, as Amanda adds them up: exclude and include, property, and lists of names.

``append`` adds to what stands before, without it a line takes its place; of properties that counts for each name by itself.
"""

from __future__ import annotations

from dataclasses import dataclass

from core.amanda.conf import Block
from core.amanda.words import same


@dataclass(frozen=True, slots=True)
class Patterns:
    """exclude or include: patterns, files of patterns, and whether a file that is not there is no fault."""

    files: tuple[str, ...] = ()
    lists: tuple[str, ...] = ()
    optional: bool = False


def patterns_of(block: Block, key: str) -> Patterns:
    """What all ``exclude`` or ``include`` lines of a dumptype come to."""
    found: dict[str, tuple[str, ...]] = {"file": (), "list": ()}
    optional = False
    for setting in block.settings.get(key, ()):
        flags = [same(word.text) for word in setting.words if word.kind == "name"]
        texts = tuple(word.text for word in setting.words if word.kind == "string")
        kind = "list" if "list" in flags else "file"
        # An empty text takes everything away, as `exclude list ""` is used to undo what was taken over.
        texts = tuple(text for text in texts if text)
        found[kind] = found[kind] + texts if "append" in flags else texts
        optional = "optional" in flags
    return Patterns(found["file"], found["list"], optional)


def properties_of(block: Block, key: str = "property") -> dict[str, tuple[str, ...]]:
    """The properties of a block by name, in lower case with ``-``."""
    found: dict[str, tuple[str, ...]] = {}
    for setting in block.settings.get(key, ()):
        append = any(word.kind == "name" and same(word.text) == "append" for word in setting.words)
        texts = [word.text for word in setting.words if word.kind == "string"]
        if texts:
            name, *values = same(texts[0]), *texts[1:]
            found[name] = (*found.get(name, ()), *values) if append else tuple(values)
    return found


def names_of(block: Block, key: str) -> list[str]:
    """The words of a list, in their order; of a list whose lines add up, of all of them."""
    return [word.text for setting in block.settings.get(key, ()) for word in setting.words if word.kind != "sign"]
