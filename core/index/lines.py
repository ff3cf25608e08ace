"""The lines of INDEX, as a client sends them and as older indexes hold them, into an index.  No I/O of its own.

The dialect is Amanda's (client-src/sendbackup), one path a line, with our additions: see `docs/formats/index.md`.  Every
line comes from a client, so nothing in it is believed: what names no path is passed over, numbers that are none are unknown.
"""

from __future__ import annotations

from core.errors import WorldError
from core.index.names import clean_path, unquote
from core.index.record import Mark
from core.index.writer import END, IndexWriter

LONGEST = 256 * 1024
"""Bytes that no line has: two paths, each byte as four."""
_LONGEST_DETAIL = 90
_FILE, _DIRECTORY, _PRESENT = (b"%d " % mark for mark in (Mark.FILE, Mark.DIRECTORY, Mark.PRESENT))
_NOTHING = b"-1 -1 -1 ?"
_A_FILE = END + b"%d " % Mark.FILE
_SLASH, _DOT = b"/."


class LineTaker:
    """Takes lines in pieces of any size.  ``name`` is where they come from, for people."""

    def __init__(self, writer: IndexWriter, name: str) -> None:
        self._writer = writer
        self._name = name
        self._rest = b""

    def feed(self, piece: bytes | memoryview) -> None:
        """The next piece.  WorldError RST015 for a line that no name can be; OSError when the disk refuses."""
        *lines, self._rest = (self._rest + piece).split(b"\n")
        if len(self._rest) > LONGEST:
            raise WorldError("RST015", f"{self._name}: a line has more than {LONGEST} bytes",
                             "it is not believed; see the dump itself")
        self._take(lines)

    def _take(self, lines: list[bytes]) -> None:
        """Most lines are plain files of the directory that the line before was in: those are made ready here, since there may
        be millions of them."""
        writer, before, lead, prefix = self._writer, b"", b"\n", b""
        ready: list[bytes] = []
        begin = len(lead)
        for line in lines:
            if line.startswith(lead):
                rest = line[begin:]
                at = rest.find(b"\t")
                if (at > 0 and 0 < len(rest) - at - 1 <= _LONGEST_DETAIL and rest[0] != _DOT and b"/" not in rest
                        and b"\\" not in rest and b"\0" not in rest):
                    ready.append(prefix + rest.replace(b"\t", _A_FILE, 1))
                    continue
            text, _, detail = line.partition(b"\t")
            directory, _, name = text.rpartition(b"/")
            if (not name or not directory or b"\\" in text or b"/." in text or b"//" in text or b"\0" in line
                    or text[0] != _SLASH or not 0 < len(detail) <= _LONGEST_DETAIL):
                self.line(line)
                continue
            if directory != before:
                before, lead, prefix = directory, directory + b"/", writer.prefix_of(directory[1:])
                begin = len(lead)
            ready.append(prefix + name + _A_FILE + detail)
        writer.put_lines(ready)

    def finish(self) -> None:
        """The last line may have no end."""
        rest, self._rest = self._rest, b""
        self.line(rest)

    def line(self, line: bytes) -> None:
        """One line, without its end."""
        if line.startswith(b"/"):
            text, _, detail = line.partition(b"\t")
            path = clean_path(unquote(text))
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
        match [clean_path(unquote(word)) for word in line.split(b"\t")]:
            case [b""]:
                writer.renames = writer.renames or []
            case [bytes(path)]:
                writer.put(path, _PRESENT + _NOTHING)
            case [bytes(old), bytes(new)]:
                writer.rename(old, new)
