"""The short way to a restore: its words are taken apart here, without the parser of commands.

Loading that parser takes longer than bringing one small file back.  So a plain `taperoom restore` goes this way.  Promises to
say nothing: in any doubt (help, an option that is not known or lacks its value) it gives way to the long way, which knows what
is wrong and how to say it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

_FLAGS = frozenset({"--overwrite", "--fresh", "--dry-run", "--json"})
_VALUES = frozenset({"--to", "--as-of"})


@dataclass(slots=True)
class Words:
    """The words of a restore, taken apart."""

    config: str = ""
    specs: list[str] = field(default_factory=list)
    values: dict[str, str] = field(default_factory=dict)
    flags: set[str] = field(default_factory=set)


def restore_of(words: Sequence[str]) -> Callable[[], int] | None:
    """What does the restore that these words (``--config`` in front) ask for; None: the long way."""
    found = take_apart(words)
    if found is None:
        return None

    def go() -> int:
        from core.cli import where
        from core.cli.recovery import recover

        where.set_config(found.config)
        return recover(found.specs, found.values["--to"], found.values.get("--as-of", "now"),
                       overwrite="--overwrite" in found.flags, fresh="--fresh" in found.flags,
                       dry_run="--dry-run" in found.flags, json="--json" in found.flags)

    return go


def take_apart(words: Sequence[str]) -> Words | None:
    """The words of a plain restore; None when they are anything else."""
    found, rest = Words(), list(words)
    if rest[:1] == ["--config"] and len(rest) > 1:
        found.config, rest = rest[1], rest[2:]
    if rest[:1] != ["restore"]:
        return None
    position = 1
    while position < len(rest):
        word = rest[position]
        position += 1
        name, equals, value = word.partition("=")
        if word == "--":
            found.specs += rest[position:]
            break
        if word in _FLAGS:
            found.flags.add(word)
        elif name in _VALUES and equals:
            found.values[name] = value
        elif word in _VALUES and position < len(rest):
            found.values[word] = rest[position]
            position += 1
        elif word.startswith("-"):
            return None
        else:
            found.specs.append(word)
    return found if found.specs and "--to" in found.values else None
