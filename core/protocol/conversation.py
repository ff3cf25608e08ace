"""Who may say what, when: one table per pipe, walked by both of its ends.

This file does not know which end it runs on, so the two ends cannot come to follow different rules, and a table
can be printed as a diagram (`core.protocol.describe`).
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, Generic, TypeVar

from core.errors import BadLine, OutOfTurn
from core.protocol.vocabulary import Vocabulary

S = TypeVar("S", bound=StrEnum)
Table = Mapping[S, Mapping[type[Any], S]]

MAX_LINE = 64 * 1024
"""Bytes; a longer line is a fault of the peer."""


class Lines:
    """Bytes in, whole lines out; a line longer than `MAX_LINE` is a BadLine."""

    def __init__(self) -> None:
        self._partial = b""

    def feed(self, data: bytes) -> list[bytes]:
        """The lines that ``data`` completes, without their newlines."""
        *lines, self._partial = (self._partial + data).split(b"\n")
        if len(self._partial) > MAX_LINE or any(len(line) > MAX_LINE for line in lines):
            raise BadLine(f"a line longer than {MAX_LINE} bytes")
        return lines

    @property
    def pending(self) -> bytes:
        """What came after the last newline."""
        return self._partial


class Conversation(Generic[S]):
    """One pipe's traffic, checked: `receive` a line, `send` a message; both walk the table."""

    def __init__(self, vocabulary: Vocabulary, table: Table[S], start: S) -> None:
        self.vocabulary, self.table, self.state = vocabulary, table, start

    def receive(self, line: bytes) -> Any:
        """The message of ``line``, if the table allows it now.  BadLine or OutOfTurn otherwise."""
        return self._step(self.vocabulary.decode(line))

    def send(self, message: Any) -> bytes:
        """Check ``message`` against the table; return the bytes to write.  OutOfTurn is a bug of ours."""
        return self.vocabulary.encode(self._step(message))

    def allows(self, kind: type[Any]) -> bool:
        """Whether a message of that class may come now."""
        return kind in self.table[self.state]

    def _step(self, message: Any) -> Any:
        try:
            self.state = self.table[self.state][type(message)]
        except KeyError:
            raise OutOfTurn(f"{self.vocabulary.name}: {message.VERB} while {self.state}") from None
        return message
