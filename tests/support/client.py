"""A server's side of a dump for tests: connects to our amandad on this machine and keeps what the streams carry."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from core.model.disk import Compression, Disk, Dumptype, Host
from core.model.dump import Crc
from core.wire.features import SERVER, Features
from core.wire.frames import Sink
from core.wire.mesg import Mesg
from core.wire.services import parse_sendsize, sendbackup_request, sendsize_request
from core.wire.transports import Connection, connect

ROOT = Path(__file__).resolve().parents[2]
STAMP = "20261123005210"
AFTER_ERROR = 5.0
SILENCE = 60.0
"""Seconds without a word after which a test gives up on a client; not a measure of anything."""


@dataclass
class Dumped:
    """What one dump brought."""

    mesg: Mesg
    data: bytes
    index: list[str]
    """Without what a line tells of a member."""
    state: list[str]
    longest: int = 0
    order: list[str] = field(default_factory=list)
    details: list[str] = field(default_factory=list)

    @property
    def crc(self) -> Crc:
        from crc32c import crc32c

        return Crc(crc32c(self.data), len(self.data))


def a_disk(host: Host, device: Path | str, **dumptype: object) -> Disk:
    kind = replace(Dumptype(auth="local", compress=Compression.NONE), **dumptype)  # type: ignore[arg-type]
    return Disk(host, os.fspath(device), kind)


def dump(connection: Connection, disk: Disk, level: int, features: Features = SERVER, *, confirm: bool = False) -> Dumped:
    """Run one dump to the end of all its streams."""
    body = sendbackup_request(disk, level, features, connection.features, "test", STAMP)
    streams = connection.backup(body, 30.0)
    names = {handle: name for name, handle in streams.items()}
    left = set(names)
    parts: dict[str, bytearray] = {name: bytearray() for name in ("DATA", "MESG", "INDEX", "STATE")}
    done = Dumped(Mesg(), b"", [], [])

    def sink(handle: int, piece: memoryview) -> None:
        if handle not in names:
            return
        name = names[handle]
        done.longest = max(done.longest, connection._reader.size)
        if not done.order or done.order[-1] != name:
            done.order.append(name)
        if name == "MESG":
            done.mesg.feed(piece)
        if name == "DATA":
            assert not len(piece) or done.mesg.info_complete, "data before the info block"
        parts[name] += piece
        if not len(piece):
            left.discard(handle)

    # A stock amandad that failed before the info block never ends DATA; once in a while it ends nothing after an error.
    while left and not (done.mesg.closed and done.mesg.error):
        if done.mesg.error and not connection.wait(AFTER_ERROR):
            break
        receive(connection, sink)
    if confirm:
        connection.confirm()
    done.data = bytes(parts["DATA"])
    for line in parts["INDEX"].decode("utf-8", "surrogateescape").splitlines():
        path, _, detail = line.partition("\t") if not line.startswith("\t") else (line, "", "")
        done.index.append(path)
        done.details += [detail] if detail else []
    done.state = parts["STATE"].decode("utf-8", "surrogateescape").splitlines()
    return done


def sizes(connection: Connection, asks: Sequence[tuple[Disk, Sequence[int]]]) -> dict[tuple[str, int], int]:
    """KiB of disks at levels."""
    body = sendsize_request(asks, SERVER, connection.features, "test", STAMP)
    found = parse_sendsize(connection.request("sendsize", body, 60.0))
    assert not found.errors, found.errors
    assert not found.host_errors, found.host_errors
    return found.sizes


@contextmanager
def client(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, **host: object) -> Iterator[Connection]:
    """A connection to our own amandad with its state under ``tmp_path``."""
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setenv("TAPEROOM_CLIENT_STATE", str(tmp_path / "client-state"))
    monkeypatch.setenv("TAPEROOM_CLIENT_ACCESS", str(tmp_path / "access.toml"))
    connection = connect(replace(Host("localhost"), **host), "local")  # type: ignore[arg-type]
    try:
        yield connection
    finally:
        connection.close()


def receive(connection: Connection, sink: Sink) -> None:
    """What comes next; a client that says nothing for a minute fails the test, and says nothing for ever as far as it knows."""
    assert connection.wait(SILENCE), f"the client {connection.host.name} says nothing any more"
    connection.receive(sink)
