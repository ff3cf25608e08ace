"""The lines of INDEX, as a client sends them and as older indexes hold them, into an index.  No I/O of its own.

The dialect is Amanda's (client-src/sendbackup), one path a line, with our additions: see `docs/formats/index.md`.  Every
line comes from a client, so nothing in it is believed: what names no path is passed over, numbers that are none are unknown.
"""

from __future__ import annotations

import re

from core.errors import WorldError
from core.index.names import clean_path
from core.index.record import Mark
from core.index.writer import END, IndexWriter
from core.wire.tar_quoting import unquote_name

LONGEST = 256 * 1024
"""Bytes that no line has: two paths, each byte as four."""
_LONGEST_DETAIL = 90
_FILE, _DIRECTORY, _PRESENT = (b"%d " % mark for mark in (Mark.FILE, Mark.DIRECTORY, Mark.PRESENT))
_NOTHING = b"-1 -1 -1 ?"
_A_FILE = END + b"%d " % Mark.FILE
_PLAIN = rb"(?!\.)[^/\\\t\n\0]++\t[^\t\n\0]{1,%d}+\n" % _LONGEST_DETAIL
_TOGETHER = re.compile(rb"((?:/(?!\.)[^/\\\t\n\0]++)+/)%s(?:\1%s)*" % (_PLAIN, _PLAIN))
"""Lines of plain files in one directory, one after the other, with nothing in them that needs a second look."""


class LineTaker:
    """Takes lines in pieces of any size.  ``name`` is where they come from, for people."""

    def __init__(self, writer: IndexWriter, name: str) -> None:
        self._writer = writer
        self._name = name
        self._rest = b""

    def feed(self, piece: bytes | memoryview) -> None:
        """The next piece.  WorldError RST015 for a line that no name can be; OSError when the disk refuses."""
        text = self._rest + piece
        end = text.rfind(b"\n") + 1
        self._rest = text[end:]
        if len(self._rest) > LONGEST:
            raise WorldError("RST015", f"{self._name}: a line has more than {LONGEST} bytes",
                             "it is not believed; see the dump itself")
        self._take(text[:end])

    def _take(self, text: bytes) -> None:
        """Whole lines.  Most are plain files of the directory that the line before was in: those are made ready here and all
        at once, since there may be millions of them."""
        writer, ready, at = self._writer, list[bytes](), 0
        while at < len(text):
            if (found := _TOGETHER.match(text, at)) is None:
                end = text.index(b"\n", at)
                self.line(text[at:end])
                at = end + 1
                continue
            lead = found[1]
            prefix = writer.prefix_of(lead[1:-1])
            first = at + len(lead)
            at = found.end()
            rest = text[first:at - 1].replace(b"\n" + lead, b"\n" + prefix).replace(b"\t", _A_FILE)
            ready += (prefix + rest).split(b"\n")
        writer.put_lines(ready)

    def finish(self) -> None:
        """The last line may have no end."""
        rest, self._rest = self._rest, b""
        self.line(rest)

    def line(self, line: bytes) -> None:
        """One line, without its end."""
        if line.startswith(b"/"):
            text, _, detail = line.partition(b"\t")
            path = clean_path(unquote_name(text))
            if path is not None:
                if not detail or len(detail) > _LONGEST_DETAIL or b"\0" in detail:
                    detail = _NOTHING
                self._writer.put(path, (_DIRECTORY if text.endswith(b"/") else _FILE) + detail)
        elif line.startswith(b"\t"):
            self._beside(line[1:])

    def _beside(self, line: bytes) -> None:
        """A name that was there, or a rename."""
        writer = self._writer
        writer.exact = True
        match [clean_path(unquote_name(word)) for word in line.split(b"\t")]:
            case [b""]:
                writer.renames = writer.renames or []
            case [bytes(path)]:
                writer.put(path, _PRESENT + _NOTHING)
            case [bytes(old), bytes(new)]:
                writer.rename(old, new)
