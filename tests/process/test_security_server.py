"""What others may not do to a run: read what it writes, give it orders, or keep its programs waiting and growing."""

from __future__ import annotations

import gzip
import os
import socket
import stat
import subprocess
import sys
import tracemalloc
from collections.abc import AsyncIterator
from pathlib import Path
from types import ModuleType

import pytest

from core.client import listening as module
from core.client.listening import Control
from core.client.runs import Run
from core.client.session import Session
from core.errors import PeerError, ProtocolError, WorldError
from core.index.reader import open_index
from core.model.disk import Host
from core.protocol import operator as op
from core.protocol.dumper import Failed, TryAgain
from core.wire.features import SERVER
from core.wire.mesg import MAX_LINES, Mesg
from core.wire.services import noop_request
from core.wire.transports.connection import Connection
from tests.support.dumper import Dumper, Place
from tests.support.fake_amandad import INFO
from tests.support.small_site import SmallSite

NOBODY = 65534


@pytest.fixture
async def run(tmp_path: Path) -> AsyncIterator[Run]:
    found = Run(tmp_path / "20260101000000")
    found.path.mkdir()
    made = Control(lambda said: None)
    await made.listen(found.control)
    yield found
    await made.close()


async def test_the_socket_is_for_this_user_alone(run: Run) -> None:
    assert stat.S_IMODE(run.control.stat().st_mode) == 0o600


async def test_another_user_is_refused_whatever_the_mode_of_the_socket(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """The kernel says who it is; here it is told that the run belongs to somebody else."""
    if os.geteuid() == 0:
        monkeypatch.setattr(module._Peer, "__init__", _somebody(module._Peer.__init__))
    else:
        monkeypatch.setattr(module.os, "geteuid", lambda: os.getuid() + 1)
    session = Session(run, "ana")
    await session.connect()
    said = await session.order(op.Stop("now"))
    assert isinstance(said, op.Gone | op.Refused)
    with socket.socket(socket.AF_UNIX) as plain:
        plain.setblocking(False)
        import asyncio

        loop = asyncio.get_running_loop()
        await loop.sock_connect(plain, str(run.control))
        assert (await loop.sock_recv(plain, 500)).startswith(b"REFUSED ")


def _somebody(begin):  # type: ignore[no-untyped-def]
    def init(self, writer):  # type: ignore[no-untyped-def]
        begin(self, writer)
        self.uid = NOBODY

    return init


@pytest.mark.skipif(os.geteuid() != 0, reason="NOT TESTED: only root can become another user")
async def test_another_user_in_fact() -> None:
    import asyncio
    import tempfile

    with tempfile.TemporaryDirectory() as top:  # pytest's own directories are closed to others
        Path(top).chmod(0o755)
        run = Run(Path(top) / "20260101000000")
        run.path.mkdir(mode=0o755)
        made = Control(lambda said: None)
        await made.listen(run.control)
        await _try_as_nobody(asyncio, run)
        await made.close()


async def _try_as_nobody(asyncio: ModuleType, run: Run) -> None:
    run.control.chmod(0o666)
    code = ("import os, socket, sys; os.setgid(65534); os.setuid(65534); s = socket.socket(socket.AF_UNIX);"
            "s.connect(sys.argv[1]); print(s.recv(500).decode())")
    child = await asyncio.create_subprocess_exec(sys.executable, "-c", code, str(run.control), stdout=-1, stderr=-1)
    said, fault = await child.communicate()
    assert b"REFUSED" in said and b"may not give orders to this run" in said, (said, fault)
    run.control.chmod(0o600)
    child = await asyncio.create_subprocess_exec(sys.executable, "-c", code, str(run.control), stdout=-1, stderr=-1)
    said, fault = await child.communicate()
    assert not said and b"PermissionError" in fault


async def test_connections_that_say_nothing_are_counted(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    import asyncio

    monkeypatch.setattr(module, "MOST", 5)
    open_ones = [await asyncio.open_unix_connection(str(run.control)) for _ in range(6)]
    reader, _ = open_ones[-1]
    assert (await reader.read(500)).startswith(b"REFUSED ")
    open_ones[0][1].close()
    await open_ones[0][1].wait_closed()
    while True:  # the driver hears of the close in its own time
        reader, writer = await asyncio.open_unix_connection(str(run.control))
        writer.write(op.VOCABULARY.encode(op.Hello("ana", "operate")))
        if (await reader.read(500)).startswith(b"OK"):
            break
        writer.close()
    for _, writer in open_ones:
        writer.close()


async def test_a_line_without_end_and_a_name_of_100000_characters(run: Run) -> None:
    import asyncio

    for said in (b"x" * 200_000, b"HELLO " + b"n" * 100_000 + b" operate\n", b"\0" * 70_000,
                 b"STOP" + b" now" * 20_000 + b"\n"):
        reader, writer = await asyncio.open_unix_connection(str(run.control))
        try:
            writer.write(said)
            await writer.drain()
            answer = await reader.read(65536)
        except ConnectionError:
            answer = b"REFUSED "  # it was closed while we still spoke
        assert answer.startswith(b"REFUSED ") and len(answer) < 500
        writer.close()


def test_nobody_else_reads_what_a_run_writes(tmp_path: Path) -> None:
    site = SmallSite(tmp_path / "site", {"a:/one": {"f": b"x" * 5000}, "b:/two": {"g": b"y" * 5000}})
    # As at a site of its own: the run makes what it needs.
    (site.root / "vtapes").rmdir()
    old = os.umask(0o000)
    try:
        (site.root / "vtapes").mkdir()
        done = site.amdump()
        assert done.returncode == 0, done.stderr + site.logs()
        held = SmallSite(tmp_path / "held", {"a:/one": {"f": b"x" * 5000}}, storage={"changer": ""})
        assert held.amdump().returncode in (0, 1)
    finally:
        os.umask(old)
    seen = 0
    for top in (site.root / "state", site.root / "vtapes", held.root / "state", held.root / "hold"):
        for path in top.rglob("*"):
            mode = stat.S_IMODE(path.lstat().st_mode)
            assert path.is_symlink() or not mode & 0o007, f"{path}: {mode:o}"
            seen += 1
    assert seen > 25
    for file in (held.root / "hold").glob("*/*"):
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
    for path in (site.root / "state", site.run().path, site.run().journal, site.run().traffic):
        assert not stat.S_IMODE(path.stat().st_mode) & 0o007


def test_messages_without_end_are_counted_and_not_kept() -> None:
    said = Mesg()
    said.feed(INFO.encode())
    piece = b"".join(b"? odd %d\n| normal %d\nwhat %d\nsendbackup: info X%d=1\n" % (n, n, n, n) for n in range(1000))
    tracemalloc.start()
    try:
        for _ in range(20):
            said.feed(piece)
        assert tracemalloc.get_traced_memory()[1] < 8_000_000
    finally:
        tracemalloc.stop()
    assert len(said.strange) == len(said.normal) == MAX_LINES and len(said.info) <= 31
    assert said.unshown == 20 * 4000 - 2 * MAX_LINES
    with pytest.raises(ProtocolError, match="a line of MESG without end"):
        for _ in range(100):
            said.feed(b"x" * 4096)


@pytest.mark.parametrize("word", ["\x1d0", "\u0660", "", " ", "-1", "9" * 19, "1 2", "0x10"])
def test_a_size_that_is_no_number_is_strange_and_no_fault(word: str) -> None:
    said = Mesg()
    said.feed(f"sendbackup: size {word}\n".encode())
    assert said.size_kib == -1 and len(said.strange) == 1


def test_a_client_that_talks_without_end_is_given_up(tmp_path: Path) -> None:
    place = Place(tmp_path)
    line = "? " + "chatter " * 500 + "\n"
    place.plays([["mesg", INFO], ["flood", "MESG", line * 16, 2000], ["end"]])
    with Dumper(place.config) as dumper:
        dumper.tell(place.order())
        report = dumper.hear()
        assert isinstance(report, Failed) and "DMP016" in report.message and "messages without end" in report.message
        assert len(report.message) < 2000
        place.plays([["mesg", INFO], ["data", 5000, 1], ["mesg", line * 40], ["end"]])
        dumper.tell(place.order(number=2))
        dumper.hear()
    assert place.left == ["web1._home.0"]


def test_an_index_that_is_one_line_without_end(tmp_path: Path) -> None:
    path = tmp_path / "index.gz"
    with gzip.open(path, "wb", compresslevel=1) as index:
        index.write(b"/\n/a\n")
        for _ in range(64):
            index.write(b"/" + bytes(1 << 20))
    tracemalloc.start()
    try:
        with pytest.raises(WorldError, match=r"RST015 .*a line has more than 262144 bytes"):
            open_index(path)
        assert tracemalloc.get_traced_memory()[1] < 8_000_000
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("steps", [
    [["drip", "MESG", "?"]], [["mesg", INFO], ["drip", "DATA", "x"]], [["mesg", INFO], ["drip", "INDEX", "/\n"]]])
def test_a_client_that_drips_is_given_up(tmp_path: Path, steps: list[list[str]]) -> None:
    place = Place(tmp_path)
    place.configure(host='data_timeout = "1 s"')
    place.plays(steps)
    with Dumper(place.config) as dumper:
        dumper.tell(place.order())
        report = dumper.hear()
        assert isinstance(report, TryAgain) and "DMP017 web1:/home: no more than" in report.message, report
    assert not place.left


@pytest.mark.parametrize("steps", [
    [["mesg", INFO], ["data", 5000, 1], ["flood", "INDEX", "/" + "x" * 30000, 10**9]],
    [["mesg", INFO], ["data", 5000, 1], ["eof", "INDEX"], ["flood", "INDEX", "/" + "x" * 30000, 10**9]]])
def test_a_flood_that_is_only_dropped_keeps_no_dumper(tmp_path: Path, steps: list[list[str]]) -> None:
    """A line without end costs the index alone, but what comes after it may not keep the run from its end."""
    place = Place(tmp_path)
    place.configure(host='data_timeout = "1 s"')
    place.plays(steps)
    with Dumper(place.config) as dumper:
        dumper.tell(place.order())
        report = dumper.hear()
        assert isinstance(report, TryAgain) and "DMP017 web1:/home:" in report.message, report
    assert not place.left


class Dripping:
    """A link whose peer sends a little now and then and never a whole packet, or packets that are no answer."""

    def __init__(self, code: str) -> None:
        self._child = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert self._child.stdin is not None and self._child.stdout is not None
        self.reader, self.writer = self._child.stdout.fileno(), self._child.stdin.fileno()
        os.set_blocking(self.writer, False)

    def lost(self, host: Host) -> PeerError:
        return PeerError("CLT001", "it is gone")

    def close(self) -> None:
        self._child.kill()
        self._child.communicate()


@pytest.mark.parametrize("data", [
    "b'\\0\\0\\3\\xe8\\0\\0\\0\\1' if not n else b'x'",
    "b'\\0\\0\\0\\2\\0\\0\\0\\1\\2\\0'", "b'\\0\\0\\0\\2\\0\\0\\0\\1\\3\\0'",
    "b'\\0\\0\\0\\0\\0\\0\\0\\1'", "b'\\0\\0\\0\\1\\0\\0\\0\\7x'"])
def test_a_peer_that_answers_with_drops_is_not_waited_for(data: str) -> None:
    link = Dripping(f"import os, time\nn = 0\nwhile n < 900:\n    os.write(1, {data})\n    n += 1\n    time.sleep(0.02)\n")
    try:
        with pytest.raises(PeerError, match="CLT002 web1 did not answer noop within"):
            Connection(Host("web1"), link).request("noop", noop_request(SERVER), 0.6)
    finally:
        link.close()
