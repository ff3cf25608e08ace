"""The MESG stream of a sendbackup: what the client says about a dump while it runs (Amanda 3.5.1, server-src/dumper.c).

Promises to read whatever comes: lines it does not know are strange, not faults; only a line without end is a
ProtocolError.  Texts are cleaned for display.  It does not know what the dumper makes of them.
"""

from __future__ import annotations

import re
from array import array
from dataclasses import dataclass, field

from core.errors import ProtocolError
from core.model.dump import NO_CRC, Crc
from core.model.framesums import MOST
from core.wire.words import clean, unquote

MAX_LINE = 64 * 1024
"""The longest line that is taken, in bytes."""
MAX_LINES = 2000
"""The most lines of a kind that are kept; the rest is only counted."""

_INFO = re.compile(r"([A-Z][A-Z0-9_]*)=(.*)", re.DOTALL)
_FRAMES = re.compile(r"(\d{1,8}) ((?:[0-9a-f]{8})+)", re.ASCII)
FRAMES_A_LINE = 4000
"""How many checksums of frames a line has."""
_RETRY = re.compile(r'(?:delay (?P<delay>-?\d{1,9}))?\s*(?:level (?P<level>-?\d{1,3}))?\s*(?:message (?P<message>.*))?')


@dataclass(frozen=True, slots=True)
class Retry:
    """The client asks to be asked again: after ``delay`` seconds, at ``level``; −1 says nothing about it."""

    delay: int = -1
    level: int = -1
    message: str = ""


def parse_retry(text: str) -> Retry:
    """``delay <s> level <n> message "<q>"``, each part optional; what cannot be read is left out."""
    found = _RETRY.match(text.strip())
    if found is None:  # pragma: no cover - the expression matches everything
        return Retry()
    return Retry(int(found["delay"] or -1), int(found["level"] or -1), clean(unquote(found["message"] or "")))


@dataclass(slots=True)
class Mesg:
    """What was said so far.

    ``info``: BACKUP, APPLICATION, RECOVER_CMD, COMPRESS_SUFFIX and so on, complete with ``info_complete``; no DATA may
    come before.  ``size_kib`` before compression, −1 until it was said.  ``native`` and ``client``: CRC-32C before and
    after the client's filters; ``frames``: before them, of each MiB (a client of ours that compresses), in
    ``frames_said`` bytes of lines.  ``ended``: the client said ``end`` or ``error``.  ``closed``: the stream is at its end.
    """

    info: dict[str, str] = field(default_factory=dict)
    info_complete: bool = False
    size_kib: int = -1
    native: Crc = NO_CRC
    client: Crc = NO_CRC
    frames: array[int] = field(default_factory=lambda: array("I"))
    frames_said: int = 0
    strange: list[str] = field(default_factory=list)
    normal: list[str] = field(default_factory=list)
    unshown: int = 0
    error: str | None = None
    retry: Retry | None = None
    ended: bool = False
    closed: bool = False
    _rest: bytearray = field(default_factory=bytearray)

    def feed(self, data: bytes | memoryview) -> None:
        """Read a piece of the stream; an empty one is its end.  ProtocolError for a line longer than `MAX_LINE`."""
        if not len(data):
            self.closed = True
            if self._rest:
                self._keep(self.strange, f"{bytes(self._rest[:1000]).decode('utf-8', 'replace')} (no end of line)", "?? ")
                self._rest.clear()
            return
        self._rest += data
        if b"\n" not in bytes(data):  # or a long line in single bytes would be copied once for each of them
            if len(self._rest) > MAX_LINE:
                raise ProtocolError("a line of MESG without end")
            return
        *lines, rest = bytes(self._rest).split(b"\n")
        if len(rest) > MAX_LINE or any(len(line) > MAX_LINE for line in lines):
            raise ProtocolError("a line of MESG without end")
        self._rest = bytearray(rest)
        for line in lines:
            self._line(line.decode("utf-8", "surrogateescape"))

    def _line(self, line: str) -> None:
        if line.startswith("|"):
            self._keep(self.normal, line[1:])
        elif line.startswith("?"):
            self._keep(self.strange, line[1:])
        elif line.startswith("sendbackup: "):
            word, _, rest = line.removeprefix("sendbackup: ").partition(" ")
            if not self._said(word, rest):
                self._keep(self.strange, line, "?? ")
        elif line:
            self._keep(self.strange, line, "?? ")

    def _said(self, word: str, rest: str) -> bool:
        match word:
            case "start" | "no-op" | "state":
                return True
            case "info":
                return self._information(rest)
            case "size":
                return self._size(rest)
            case "native-CRC" | "client-CRC":
                return self._crc(word, rest)
            case "frame-CRCs":
                return self._frames(rest)
            case "warning":
                self._keep(self.strange, _bracketed(rest))
            case "retry":
                self.retry = parse_retry(rest)
            case "error":
                # The first tells most: a stock client adds that its child failed.
                self.error = self.error or clean(_bracketed(rest)) or "unknown error"
                self.ended = True
            case "end":
                self.ended = True
            case _:
                return False
        return True

    def _information(self, rest: str) -> bool:
        if rest == "end":
            self.info_complete = True
            return True
        found = _INFO.fullmatch(rest)
        if found is None or self.info_complete or len(self.info) > 30:
            return False
        self.info[found[1]] = clean(found[2], 4096)
        return True

    def _size(self, rest: str) -> bool:
        found = re.fullmatch(r"\s*(\d{1,18})\s*", rest, re.ASCII)
        if found is None:
            return False
        self.size_kib = int(found[1])
        return True

    def _crc(self, word: str, rest: str) -> bool:
        try:
            crc = Crc.parse(rest.strip())
        except ValueError:
            return False
        if word == "native-CRC":
            self.native = crc
        else:
            self.client = crc
        return True

    def _frames(self, rest: str) -> bool:
        found = _FRAMES.fullmatch(rest)
        if found is None or int(found[1]) != len(self.frames) or len(self.frames) + len(found[2]) // 8 > MOST:
            return False
        self.frames.extend(int(found[2][at:at + 8], 16) for at in range(0, len(found[2]), 8))
        self.frames_said += len(rest)
        return True

    def _keep(self, lines: list[str], text: str, mark: str = "") -> None:
        if len(lines) < MAX_LINES:
            lines.append(mark + clean(text))
        else:
            self.unshown += 1  # and no work is done for it: a client may say millions of them


def frame_lines(frames: array[int]) -> list[str]:
    """The lines that say the checksums of frames: the number of the first, then eight digits each."""
    return [f"sendbackup: frame-CRCs {at} {''.join(f'{crc:08x}' for crc in frames[at:at + FRAMES_A_LINE])}"
            for at in range(0, len(frames), FRAMES_A_LINE)]


def _bracketed(text: str) -> str:
    text = text.strip()
    if text.startswith("[") and "]" in text:
        return text[1:text.rindex("]")]
    return text.removeprefix("[")
