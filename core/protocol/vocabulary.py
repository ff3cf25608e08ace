"""Messages as plain dataclasses, and the codec that a set of them gives.

A message class is a frozen dataclass with a ``VERB``.  Its fields are its words, in order; a field's type says
how its word is read and written (``int`` or ``str``).  Trailing fields with a default may be missing on the line.
Nothing else has to be written to add a message.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import MISSING, Field, fields
from types import UnionType
from typing import Any, ClassVar, Protocol, Union, get_args, get_origin, get_type_hints

from core.errors import BadLine
from core.model import quoting

_Reader = Callable[[str], Any]


class Message(Protocol):
    """What every message class has: a verb, and dataclass fields."""

    VERB: ClassVar[str]
    __dataclass_fields__: ClassVar[dict[str, Any]]


class _Shape:
    """How one message class is read and written."""

    def __init__(self, message: type[Any]) -> None:
        self.build = message
        hints = get_type_hints(message)
        members: tuple[Field[Any], ...] = fields(message)
        self.names = [m.name for m in members]
        self.readers = [_reader(hints[m.name]) for m in members]
        self.required = sum(1 for m in members if m.default is MISSING)
        self.defaults = [m.default for m in members]


class Vocabulary:
    """All messages that may pass over one kind of pipe, in both directions."""

    def __init__(self, name: str, messages: Iterable[type[Any]]) -> None:
        self.name = name
        self.messages: dict[str, type[Any]] = {m.VERB: m for m in messages}
        self._shapes = {verb: _Shape(m) for verb, m in self.messages.items()}

    def words(self, message: Any) -> list[str]:
        """The words of ``message``, its verb first; missing optional words at the end are left out."""
        shape = self._shapes[message.VERB]
        values = [getattr(message, name) for name in shape.names]
        while len(values) > shape.required and values[-1] == shape.defaults[len(values) - 1]:
            values.pop()
        return [message.VERB, *("" if v is None else str(v) for v in values)]

    def encode(self, message: Any) -> bytes:
        """One line, newline included."""
        return (quoting.join(self.words(message)) + "\n").encode("utf-8", "surrogateescape")

    def decode(self, line: bytes) -> Any:
        """The message of one line without its newline; BadLine when it is none of ours."""
        verb, *words = quoting.split(line.decode("utf-8", "surrogateescape"))
        shape = self._shapes.get(verb)
        if shape is None:
            raise BadLine(f"{self.name}: unknown word {verb[:40]!r}")
        readers = shape.readers
        if not shape.required <= len(words) <= len(readers):
            raise BadLine(f"{self.name}: {verb} takes {shape.required} to {len(readers)} words, not {len(words)}")
        try:
            return shape.build(*[read(word) for read, word in zip(readers, words, strict=False)])
        except ValueError as fault:
            raise BadLine(f"{self.name}: {verb}: {fault}") from None


def _reader(hint: Any) -> _Reader:
    origin = get_origin(hint)
    if origin in (Union, UnionType):
        kinds = [arg for arg in get_args(hint) if arg is not type(None)]
        return _reader(kinds[0])
    plain = getattr(hint, "__supertype__", hint)
    readers: dict[Any, _Reader] = {int: read_int, str: str}
    return readers[plain]


def read_int(word: str) -> int:
    """A decimal number of at most 18 digits, which a journal and a catalogue can hold; ValueError otherwise."""
    digits = word[1:] if word[:1] == "-" else word
    if not (digits.isascii() and digits.isdigit()) or len(digits) > 18:
        raise ValueError(f"{word[:40]!r} is no number")
    return int(word)
