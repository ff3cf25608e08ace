"""The fault matrix on a dump's streams: the real `Pump` and `Connection` in this process, each frame of the client spoilt once.

A dump that is called good has every byte that the client meant; of any other nothing stays behind, and what is said of it
has a code.
"""

from __future__ import annotations

import fcntl
import os
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from crc32c import crc32c

from core.dumper import pump
from core.dumper.calling import Started, Switchboard
from core.dumper.driver_pipe import DriverPipe
from core.dumper.pump import Pump
from core.dumper.task import task_of
from core.errors import PeerError
from core.model.disk import Compression, Disk, Dumptype, Host
from core.model.dump import Outcome
from core.model.site import HoldingDisk, RunSettings, Site
from core.model.units import Kib
from core.protocol.dumper import FileDump
from core.wire.frames import HEADER, LIMIT, frame
from core.wire.transports.connection import Connection
from tests.support.faultnight import FAULTS, garbled
from tests.support.holding import data_of
from tests.support.taper import noise

HANDLES = {"DATA": 499999, "MESG": 499998, "INDEX": 499997, "STATE": 499996}
DATA = noise(150_000)
CRC = f"{crc32c(DATA):08x}:{len(DATA)}"
FRAMES: list[tuple[str, str, bytes]] = [
    ("MESG", "info", b"sendbackup: info BACKUP=/bin/tar\nsendbackup: info RECOVER_CMD=/bin/tar -xpGf - ...\n"
                     b"sendbackup: info end\n"),
    ("INDEX", "lines", b"/\n/letter\n"), ("STATE", "bytes", b"state"),
    *[("DATA", f"piece{at // 50_000}", DATA[at:at + 50_000]) for at in range(0, len(DATA), 50_000)],
    ("DATA", "end", b""), ("INDEX", "end", b""), ("STATE", "end", b""),
    ("MESG", "last", f"sendbackup: size {len(DATA) // 1024 + 1}\nsendbackup: native-CRC {CRC}\nsendbackup: client-CRC {CRC}\n"
                     "sendbackup: end\n".encode()),
    ("MESG", "end", b""),
]
"""Stream, which of its frames, payload."""


class Line:
    """A transport whose bytes are there already; ``open`` for ever, or at its end."""

    def __init__(self, data: bytes, *, stays: bool) -> None:
        self.reader, self.writer = os.pipe()
        fcntl.fcntl(self.writer, fcntl.F_SETPIPE_SZ, 1 << 20)
        self._stays = stays
        if len(data) > 1 << 20:
            threading.Thread(target=self._say, args=(data,), daemon=True).start()
        else:
            self._say(data)

    def _say(self, data: bytes) -> None:
        view = memoryview(data)
        with suppress(OSError):
            while view:
                view = view[os.write(self.writer, view):]
        if not self._stays:
            os.close(self.writer)

    def lost(self, host: Host) -> PeerError:
        return PeerError("CLT001", f"amandad of {host.name} ended the connection")

    def close(self) -> None:
        os.close(self.reader)
        if self._stays:
            os.close(self.writer)


class Called:
    """A call that was answered."""

    def __init__(self, started: Started) -> None:
        self._started = started
        self.done, ring = os.pipe()
        os.close(ring)

    def result(self) -> Started:
        os.close(self.done)
        return self._started

    def give_up(self) -> None:
        os.close(self.done)
        self._started.connection.close()


class Switched(Switchboard):
    """Every call gives the connection of the test."""

    def __init__(self, started: Started) -> None:
        super().__init__("daily")
        self._made = started

    def call(self, task: Any) -> Any:
        return Called(self._made)


def spoilt(number: int, kind: str) -> Iterator[bytes]:
    """The client's bytes with that fault in frame ``number``."""
    frames = list(FRAMES)
    if kind == "swapped":
        frames[number:number + 2] = reversed(frames[number:number + 2])
    for at, (stream, _, payload) in enumerate(frames):
        data = frame(HANDLES[stream], payload)
        if at != number or kind == "swapped":
            yield data
            continue
        match kind:
            case "dropped":
                pass
            case "silent":
                return
            case "doubled":
                yield data + data
            case "cut short":
                yield data[:max(1, len(data) // 2)]
            case "garbled" if payload:
                yield data[:8] + garbled(payload)
            case "garbled":
                yield garbled(data)
            case "sender killed":
                yield data[:len(data) // 2]
                return
            case _:
                yield data


def dump(path: Path, data: bytes, *, stays: bool, killed: bool, data_timeout: float = 0.2) -> tuple[Any, Path]:
    """How a dump of those bytes ends, and its holding file."""
    host = Host("web1", data_timeout=data_timeout)
    kind = Dumptype(auth="local", compress=Compression.NONE)
    disk = Disk(host, "/home", kind)
    (path / "hold").mkdir()
    holding = (HoldingDisk(path / "hold"),)
    site = Site(path / "x.toml", "daily", path / "state", RunSettings(), holding, {}, {"web1": host}, (disk,))
    file = path / "hold" / "20260102030405" / "web1._home.0"
    order = FileDump("00-00001", str(file), "web1", "/home", 0, "1970:1:1:0:0:0", Kib(0), "gnutar", "|;index;")  # type: ignore[arg-type]
    inward, outward = os.pipe()
    told, out = os.pipe()
    pipe = DriverPipe(inward, out)
    os.write(outward, pipe._conversation.vocabulary.encode(order))
    pipe.listen({inward})
    assert list(pipe.orders()) == [order]
    if killed:
        os.close(outward)
    connection = Connection(host, Line(data, stays=stays))
    started = Started(connection, dict(HANDLES), "<dle>\n  <disk>/home</disk>\n</dle>")
    ending = Pump(task_of(order, site, 0.0), site, pipe, Switched(started)).run()
    for fd in (inward, told, out, *([] if killed else [outward])):
        os.close(fd)
    return ending, file


def test_the_dump_without_a_fault(tmp_path: Path) -> None:
    ending, file = dump(tmp_path, b"".join(spoilt(-1, "")), stays=True, killed=False)
    assert ending.outcome is Outcome.DONE and data_of(file) == DATA


def test_a_dumper_whose_driver_is_gone_leaves_nothing(tmp_path: Path, fault_cases: object) -> None:
    ending, _ = dump(tmp_path, b"".join(spoilt(-1, "")), stays=True, killed=True)
    assert ending.outcome is Outcome.ABORTED
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


@pytest.mark.parametrize("kind", [*(kind for kind in FAULTS if kind not in ("delayed", "receiver killed")), "swapped"])
@pytest.mark.parametrize("number", range(len(FRAMES)), ids=[f"{stream}-{which}" for stream, which, _ in FRAMES])
def test_a_frame_fault(tmp_path: Path, number: int, kind: str, fault_cases: object) -> None:
    stays = kind not in ("sender killed", "cut short")
    ending, file = dump(tmp_path, b"".join(spoilt(number, kind)), stays=stays, killed=False)
    left = [path for path in (tmp_path / "hold").rglob("*") if path.is_file()]
    if ending.outcome in (Outcome.DONE, Outcome.STRANGE):
        assert data_of(file) == DATA, "a dump that is not what the client meant was called good"
        assert left == [file]
        return
    assert not left, f"{ending}: {left}"
    assert not [path for path in (tmp_path / "state").rglob("*") if path.is_file()], "an index of no dump"
    code = ending.text.partition(" ")[0]
    assert len(code) == 6 and code[:3] in ("DMP", "CLT", "HLD"), ending


def test_a_frame_of_4_mib_is_taken_and_one_byte_more_is_not(tmp_path: Path, fault_cases: object) -> None:
    data = bytes(LIMIT)
    crc = f"{crc32c(data):08x}:{LIMIT}"
    info = frame(HANDLES["MESG"], FRAMES[0][2]) + b"".join(frame(HANDLES[name], b"") for name in ("INDEX", "STATE"))
    last = frame(HANDLES["DATA"], b"") + frame(HANDLES["MESG"], (
        f"sendbackup: size {LIMIT // 1024}\nsendbackup: native-CRC {crc}\nsendbackup: client-CRC {crc}\nsendbackup: end\n"
    ).encode()) + frame(HANDLES["MESG"], b"")
    for name in ("well", "bad"):
        (tmp_path / name).mkdir()
    ending, file = dump(tmp_path / "well", info + frame(HANDLES["DATA"], data) + last, stays=True, killed=False)
    assert ending.outcome is Outcome.DONE and data_of(file) == data
    ending, file = dump(tmp_path / "bad", info + HEADER.pack(LIMIT + 1, HANDLES["DATA"]) + data + b"x" + last, stays=False,
                        killed=False)
    assert ending.text.startswith("CLT003 web1 talks nonsense: a frame of 4194305 bytes is longer than 4194304"), ending
    assert not file.exists()


@pytest.mark.parametrize("ended", [(), ("INDEX", "STATE"), ("DATA", "INDEX", "STATE")], ids=["nothing", "two", "all but one"])
def test_a_client_that_failed_and_ends_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ended: tuple[str, ...], fault_cases: object,
) -> None:
    """Once in a while a stock client does so: what it said is told, and not waited for longer than a moment."""
    monkeypatch.setattr(pump, "_AFTER_ERROR", 0.1)
    said = FRAMES[0][2] + b"? tar: no such disk\nsendbackup: error [tar returned 2]\n"
    data = frame(HANDLES["MESG"], said) + b"".join(frame(HANDLES[name], b"") for name in ended)
    ending, file = dump(tmp_path, data, stays=True, killed=False, data_timeout=600.0)
    assert ending.outcome is Outcome.FAILED and "tar returned 2" in ending.text, ending
    assert not file.exists()


@pytest.mark.parametrize(("missing", "good"), [(1, True), (2, False), (4, False)])
def test_a_client_that_leaves_when_all_is_said(tmp_path: Path, missing: int, good: bool, fault_cases: object) -> None:
    """The end of the connection is the end of its streams once the client has said `end`; not a frame earlier."""
    data = b"".join(frame(HANDLES[stream], payload) for stream, _, payload in FRAMES[:-missing])
    ending, file = dump(tmp_path, data, stays=False, killed=False)
    assert (ending.outcome is Outcome.DONE) == good == file.exists(), ending
    assert not good or data_of(file) == DATA


def test_data_before_the_information_is_the_client_s_fault(tmp_path: Path, fault_cases: object) -> None:
    data = [frame(HANDLES[stream], payload) for stream, _, payload in FRAMES]
    ending, file = dump(tmp_path, b"".join([data[3], *data[:3], *data[4:]]), stays=True, killed=False)
    assert ending.text == "DMP016 web1:/home: the client talks nonsense: data came before `sendbackup: info end`"
    assert ending.outcome is Outcome.FAILED and not file.exists()
