"""One copy read from its first byte to its last, and compared with all that is known of it.

Three things are compared: the *stored* bytes with the CRCs of parts and whole; the *names* of the archive's members with
the index; and the *archive*, unpacked, with the checksums of its own day.  A fault ends nothing: the parts after it are
read all the same, so that one check tells all that is wrong.  Never writes.
"""

from __future__ import annotations

import threading
from array import array
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from core.catalogue.checked import DAMAGED, GOOD, MISSING
from core.errors import TaperoomError, WorldError
from core.holding.header import Header
from core.index.names import clean_path
from core.model.crc32c import crc32c
from core.model.dump import NO_CRC, Crc
from core.model.framesums import FRAME, FrameSums, KeptSums, wrong_frames
from core.prove.names import Names, difference
from core.prove.stored import Piece, bytes_of
from core.restore.tarstream import Member, TarStream
from core.restore.unpack import unpacked

Count = Callable[[str, int], None]
"""Told where data is read and how many more bytes of it were."""
_NEAR = 4
_SHOWN = 5
_ABSENT = frozenset({"TAP018", "TAP002"})


@dataclass(slots=True)
class Finding:
    """What came of it: ``faults`` and ``warnings`` are sentences with codes; ``compared`` what could be; ``size`` bytes."""

    faults: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    compared: list[str] = field(default_factory=list)
    size: int = 0

    @property
    def outcome(self) -> str:
        """good, damaged, or missing when nothing worse is known than that it could not be read."""
        if not self.faults:
            return GOOD
        return MISSING if all(fault.startswith("VFY004") for fault in self.faults) else DAMAGED


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of a dump: ``stored`` and ``native`` CRC, ``sums`` of its own day, ``index`` what it names (a way to
    get it; None: there is none); ``allowed`` programs that may unpack it; ``warnings`` about all this."""

    stored: Crc = NO_CRC
    native: Crc = NO_CRC
    sums: KeptSums | None = None
    index: Callable[[], Names] | None = None
    allowed: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


class _Gap(Exception):
    """A piece is missing: what follows cannot be unpacked."""


class _Stored:
    """The bytes of all pieces, counted; what is wrong with them goes to the finding.  May be read from two threads, one
    after the other: a program that unpacks is fed by one of its own."""

    def __init__(self, pieces: Sequence[Piece], finding: Finding, count: Count) -> None:
        self.header: Header | None = None
        self.whole = True
        self.value = self.size = 0
        self._finding, self._count = finding, count
        self._bytes = self._run(pieces)
        self._lock = threading.Lock()

    def feed(self) -> Iterator[memoryview]:
        """The bytes up to the first gap."""
        while (piece := self._next()) is not None:
            yield piece

    def drain(self) -> None:
        """Read what is left, for its checksums."""
        while True:
            with self._lock:
                if next(self._bytes, False) is False:
                    return

    def _next(self) -> memoryview | None:
        with self._lock:
            return next(self._bytes, None)

    def _run(self, pieces: Sequence[Piece]) -> Iterator[memoryview | None]:
        for piece in pieces:
            try:
                yield from self._piece(piece)
            except (TaperoomError, OSError) as fault:
                self._finding.faults.append(_unreadable(piece, fault))
                self.whole = False
                yield None

    def begin(self, pieces: Sequence[Piece]) -> None:
        """Look at the first header, which says how the data is unpacked."""
        try:
            self.header, source, _ = pieces[0].open()
            source.close()
        except (TaperoomError, OSError):
            self.header = None  # it is told when the piece is read

    def _piece(self, piece: Piece) -> Iterator[memoryview]:
        _, source, odd = piece.open()
        self._finding.warnings += [f"RST027 {text}" for text in odd]
        value = size = 0
        for data in bytes_of(source, piece.crc.size if piece.crc.known else -1):
            value = crc32c(data, value)
            self.value = crc32c(data, self.value)
            size += len(data)
            self.size += len(data)
            self._finding.size += len(data)
            self._count(piece.where, len(data))
            yield data
        if piece.crc.known and Crc(value, size) != piece.crc:
            self._finding.faults.append(f"VFY001 {piece.where}: its data has CRC {Crc(value, size)}, it should be {piece.crc}")


def _unreadable(piece: Piece, fault: TaperoomError | OSError) -> str:
    if isinstance(fault, OSError):
        return f"VFY001 {piece.where}: reading failed: {fault.strerror or fault}"
    if fault.code in _ABSENT:
        return f"VFY004 {piece.where}: {fault.message}"
    return f"VFY001 {piece.where}: {fault.message}"


def examine(pieces: Sequence[Piece], known: Known, count: Count, *, whole: bool = True) -> Finding:
    """Read the pieces and compare.  ``whole``: they are all there are, so that the archive can be looked into."""
    finding = Finding(warnings=list(known.warnings))
    stored = _Stored(pieces, finding, count)
    stored.begin(pieces)
    if whole and stored.header is not None:
        _archive(stored, stored.header, known, finding)
    stored.drain()
    if stored.size:
        finding.compared.insert(0, "stored")
    expected = known.stored if known.stored.known else stored.header.server if stored.header else NO_CRC
    found = Crc(stored.value, stored.size)
    if whole and stored.whole and expected.known and found != expected:
        where = pieces[0].where if len(pieces) == 1 else f"{pieces[0].where} to {pieces[-1].where}"
        finding.faults.insert(0, f"VFY001 {where}: the whole has CRC {found}, it should be {expected}")
    return finding


def _archive(stored: _Stored, header: Header, known: Known, finding: Finding) -> None:
    """Unpack what is stored and look into it, as far as it goes."""
    names = Names()
    near: deque[tuple[int, bytes]] = deque(maxlen=4096)
    sums, wrong = FrameSums(crc32c), dict[int, list[bytes]]()

    def member(found: Member) -> bool:
        if (path := clean_path(found.name)) is not None:
            names.add(path, found.is_directory)
            near.append((sums.size, path))
        return False

    tar: TarStream | None = TarStream(member, lambda piece: None)
    program = header.application or header.program
    if "tar" not in program.lower():
        tar = None
    then = known.sums.frames if known.sums else array("I")
    try:
        for piece in unpacked(stored.feed(), header, known.allowed):
            done = sums.complete
            if tar is not None:
                tar = _fed(tar, piece, sums, finding, near)
            sums.add(piece)
            for number in range(done, min(sums.complete, len(then))):
                if sums.was(number) != then[number]:
                    wrong[number] = _names_in(near, number)
        if tar is not None and stored.whole:
            tar.finish()
    except WorldError as fault:
        if fault.code == "RST022":
            finding.warnings.append(f"{fault.code} {fault.message}; only the stored bytes are compared")
            return
        finding.faults.append(f"VFY003 byte {sums.size} of the archive: {fault.message}{_beside(near)}")
        if wrong:
            _tell_frames(sorted(wrong), wrong, finding)
        return
    if not stored.whole:
        return
    _compare(sums, wrong, near, known, finding)
    if tar is not None:
        _compare_names(names, known, finding)


def _fed(
    tar: TarStream, piece: memoryview, sums: FrameSums, finding: Finding, near: deque[tuple[int, bytes]]
) -> TarStream | None:
    try:
        tar.feed(piece)
    except WorldError as fault:
        finding.faults.append(f"VFY003 near byte {sums.size} of the archive: {fault.message}{_beside(near)}")
        return None
    return tar


def _compare(
    sums: FrameSums, wrong: dict[int, list[bytes]], near: deque[tuple[int, bytes]], known: Known, finding: Finding
) -> None:
    if known.sums is not None and known.sums.frames:
        finding.compared.append("archive")
        numbers = wrong_frames(sums, known.sums)
        _tell_frames(numbers, {n: wrong.get(n) or _names_in(near, n) for n in numbers}, finding)
    elif known.native.known:
        finding.compared.append("archive")
        if sums.crc != known.native:
            finding.faults.append(f"VFY003 the archive has CRC {sums.crc}, it should be {known.native}")


def _tell_frames(numbers: Sequence[int], names: dict[int, list[bytes]], finding: Finding) -> None:
    if not numbers:
        return
    runs = f"byte {numbers[0] * FRAME} of the archive" if len(numbers) == 1 else \
        f"{len(numbers)} MiB of the archive, from byte {numbers[0] * FRAME} to {(numbers[-1] + 1) * FRAME}"
    paths = list(dict.fromkeys(path for number in numbers[:_SHOWN] for path in names.get(number, ())))
    shown = ", ".join("/" + path.decode("utf-8", "replace") for path in paths[:_SHOWN]) + (" …" if len(paths) > _SHOWN else "")
    finding.faults.append(f"VFY003 {'the MiB at ' if len(numbers) == 1 else ''}{runs} is not what was dumped"
                          f"{'; in it or beside it: ' + shown if shown else ''}")


def _compare_names(names: Names, known: Known, finding: Finding) -> None:
    if known.index is None:
        return
    try:
        said = difference(known.index(), names)
    except WorldError as fault:
        finding.faults.append(f"{fault.code} {fault.message}")
        return
    finding.compared.append("names")
    if said:
        finding.faults.append(f"VFY002 {said}")


def _names_in(near: deque[tuple[int, bytes]], frame: int) -> list[bytes]:
    """Members that may have bytes in a frame: the last that began before it, and those that began in it."""
    begin, end = frame * FRAME, (frame + 1) * FRAME
    before = [path for at, path in near if at < begin]
    return before[-1:] + [path for at, path in near if begin <= at < end]


def _beside(near: deque[tuple[int, bytes]]) -> str:
    if not near:
        return ""
    return "; the last names before it: " + ", ".join("/" + path.decode("utf-8", "replace") for _, path in list(near)[-_NEAR:])
