"""Straight to the taper's port, and through the server's compression."""

from __future__ import annotations

import gzip
import os
import shutil
import socket
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from core.holding.header import HEADER_SIZE, Kind, parse
from core.model.dump import Stats
from core.model.units import Handle
from core.protocol.dumper import Abort, AbortFinished, Confirm, Done, Failed, Quit, TryAgain
from tests.support.dumper import Dumper, Place
from tests.support.fake_amandad import INFO, data_of
from tests.support.holding import data_of as stored

SIZE = 3_000_000


@pytest.fixture
def place(tmp_path: Path) -> Place:
    found = Place(tmp_path)
    found.plays([["mesg", INFO], ["data", SIZE, 1], ["end"]])
    return found


class Taper:
    """Listens as the taper does; `received` is all it got, `reset` whether the connection broke."""

    def __init__(self, *, reads: bool = True) -> None:
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        self.received = bytearray()
        self.reset = False
        self.connection: socket.socket | None = None
        self.accepted = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(reads,), daemon=True)
        self._thread.start()

    def _run(self, reads: bool) -> None:
        self.connection, _ = self._socket.accept()
        self.accepted.set()
        try:
            while reads and (data := self.connection.recv(65536)):
                self.received += data
        except ConnectionResetError:
            self.reset = True

    def join(self) -> None:
        self._thread.join(60)


def test_straight_to_the_taper(place: Place) -> None:
    taper = Taper()
    with Dumper(place.config) as dumper:
        dumper.tell(place.port_order(taper.port))
        report = dumper.hear()
    taper.join()
    assert isinstance(report, Done)
    header = parse(bytes(taper.received[:HEADER_SIZE]))
    assert (header.kind, header.host, header.recover) == (Kind.FILE, "web1", "/bin/tar -xpGf - ...")
    assert bytes(taper.received[HEADER_SIZE:]) == data_of(SIZE, 1)
    assert Stats.parse(report.message).server.size == SIZE
    assert place.left == []


def test_the_client_is_told_when_the_volume_has_it(place: Place) -> None:
    with Dumper(place.config) as dumper:
        for number, taper in enumerate((Taper(), Taper())):
            dumper.tell(replace(place.port_order(taper.port), handle=Handle(f"00-0000{number}")))
            assert isinstance(dumper.hear(), Done)
            taper.join()
            dumper.tell(Confirm(Handle("00-99999")))
            assert "confirmed" not in place.seen
        # The first one was given up when the same disk was dumped again.
        dumper.tell(Confirm(Handle("00-00000")))
        dumper.tell(Confirm(Handle("00-00001")))
        place.plays([["mesg", INFO], ["data", SIZE, 1], ["hang"]])
        dumper.tell(place.order())
        dumper.tell(Abort())
        assert isinstance(dumper.hear(), AbortFinished)
        dumper.tell(Quit())
        dumper.leave()
    assert place.seen.count("confirmed") == 1


def test_a_failed_dump_resets_the_connection(place: Place) -> None:
    place.plays([["mesg", INFO], ["data", SIZE, 1], ["mesg", "sendbackup: error [no]\n"],
                 ["eof", "DATA"], ["eof", "MESG"], ["eof", "INDEX"]])
    taper = Taper()
    with Dumper(place.config) as dumper:
        dumper.tell(place.port_order(taper.port))
        assert isinstance(dumper.hear(), Failed)
    taper.join()
    assert taper.reset


def test_a_taper_that_does_not_listen(place: Place) -> None:
    with socket.create_server(("127.0.0.1", 0)) as there:
        port = there.getsockname()[1]
    with Dumper(place.config) as dumper:
        dumper.tell(place.port_order(port))
        report = dumper.hear()
    assert isinstance(report, TryAgain) and report.message.startswith("DMP021 web1:/home: port")


def test_a_taper_that_stands_still_can_be_given_up(place: Place) -> None:
    place.plays([["mesg", INFO], ["data", 30_000_000, 1], ["end"]])
    taper = Taper(reads=False)
    with Dumper(place.config) as dumper:
        dumper.tell(place.port_order(taper.port, "|;data-timeout=0.2;"))
        assert taper.accepted.wait(60)
        dumper.tell(Abort())
        assert isinstance(dumper.hear(), AbortFinished)


def test_a_taper_that_leaves(place: Place) -> None:
    place.plays([["mesg", INFO], ["data", 30_000_000, 1], ["end"]])
    taper = Taper(reads=False)
    with Dumper(place.config) as dumper:
        dumper.tell(place.port_order(taper.port))
        assert taper.accepted.wait(60) and taper.connection is not None
        taper.connection.close()
        report = dumper.hear()
    assert isinstance(report, TryAgain) and "the taper closed the connection" in report.message


@pytest.mark.parametrize("compress", ["server fast", "server best"])
def test_server_compression(place: Place, compress: str) -> None:
    place.configure(compress=compress)
    text = "a line of text that is said again\n" * 40_000
    place.plays([["mesg", INFO], ["data", 100_000, 1], ["end"]])
    with Dumper(place.config) as dumper:
        dumper.tell(place.order("|;use=10000;", chunksize=64))
        report = dumper.hear()
    assert isinstance(report, Done)
    packed = stored(place.path)
    assert gzip.decompress(packed) == data_of(100_000, 1)
    header = parse(place.path.read_bytes()[:HEADER_SIZE])
    stats = Stats.parse(report.message)
    assert (header.comp, header.uncompress) == (".gz", "/bin/gzip -dc")
    assert stats.native == stats.client == header.client and stats.client.size == 100_000
    assert stats.server == header.server and stats.server.size == len(packed)
    assert stats.kib == -(-len(packed) // 1024) and stats.orig_kib == 98
    assert text


def custom(place: Place, script: str) -> Path:
    path = place.top / "packer"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    place.configure(compress="server custom", more=f'compress_program = "{path}"')
    return path


def test_a_custom_program(place: Place) -> None:
    path = custom(place, 'exec gzip -1 "$@"')
    with Dumper(place.config) as dumper:
        dumper.tell(place.order())
        report = dumper.hear()
    assert isinstance(report, Done), report
    assert gzip.decompress(stored(place.path)) == data_of(SIZE, 1)
    header = parse(place.path.read_bytes()[:HEADER_SIZE])
    assert (header.comp, header.uncompress, header.filters.server_compress) == ("cust", f"{path} -d", str(path))


@pytest.mark.parametrize(("script", "words"), [
    ("cat; exit 3", "ended with code 3"),
    ("head -c 1000 >/dev/null; exit 0", "ended before it had read all data"),
    ("kill -9 $$", "DMP020"),
])
def test_a_custom_program_that_fails(place: Place, script: str, words: str) -> None:
    custom(place, script)
    with Dumper(place.config) as dumper:
        dumper.tell(place.order())
        report = dumper.hear()
        assert isinstance(report, TryAgain) and report.message.startswith("DMP020 web1:/home: ") and words in report.message
        assert place.left == []
        dumper.tell(place.order("|;compress=none;"))
        assert isinstance(dumper.hear(), Done)


def test_a_custom_program_that_is_not_there(place: Place) -> None:
    custom(place, "true").unlink()
    with Dumper(place.config) as dumper:
        dumper.tell(place.order())
        report = dumper.hear()
    assert isinstance(report, TryAgain) and "cannot be started: No such file" in report.message


def test_a_custom_program_waits_with_the_dump(place: Place) -> None:
    from core.protocol.dumper import Continue, NoRoom
    custom(place, "exec cat")
    with Dumper(place.config) as dumper:
        dumper.tell(place.order("|;use=256;"))
        while isinstance(report := dumper.hear(), NoRoom):
            dumper.tell(Continue(str(place.path), 0, 512))  # type: ignore[arg-type]
    assert isinstance(report, Done)
    assert stored(place.path) == data_of(SIZE, 1)


def test_nothing_stays_open_or_running(place: Place) -> None:
    if not shutil.which("gzip"):
        pytest.skip("no gzip")
    custom(place, "exec gzip -1")
    with Dumper(place.config) as dumper:
        counts = []
        for number in range(4):
            dumper.tell(place.order(number=number, filename=str(place.path.with_name(f"x.{number}"))))
            assert isinstance(dumper.hear(), Done)
            counts.append(len(os.listdir(f"/proc/{dumper.process.pid}/fd")))
    assert counts[1:] == counts[:1] * 3
