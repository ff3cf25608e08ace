"""Pieces of the taper without a process: its source, what the catalogue protects, the pipe's end."""

from __future__ import annotations

import os
import sqlite3
import sys
import types
from pathlib import Path

import pytest

from core.devices.ahead import Ahead
from core.model.units import Handle
from core.protocol import taper
from core.taper.job import BadInput
from core.taper.pipe import Pipe, Stopped
from core.taper.scribe import protected_by_catalogue
from core.taper.sources import PIECE, HoldingSource
from tests.support.taper import hold, make_room, noise


def source_of(path: Path) -> HoldingSource:
    return HoldingSource(taper.FileWrite(Handle("00-00001"), str(path), "web1", "/home", 0))


def all_of(source: HoldingSource, *, copied: bool) -> bytes:
    out = bytearray()
    while True:
        piece, origin = source.piece(copied=copied)
        if not piece:
            return bytes(out)
        if origin is not None:
            assert os.pread(origin.fd, len(piece), origin.offset) == piece, "it is said to lie elsewhere"
        out += piece


@pytest.mark.parametrize("size", [0, 1, PIECE, 5 * 1024 * 1024 + 17, 17 * 1024 * 1024 + 1])
@pytest.mark.parametrize("chunk_kib", [0, 1024, 3072])
@pytest.mark.parametrize("copied", [False, True])
def test_taper_reads_a_holding_file_from_any_byte(tmp_path: Path, size: int, chunk_kib: int, copied: bool) -> None:
    data = noise(size)
    source = source_of(hold(make_room(tmp_path), data, chunk_kib=chunk_kib))
    assert source.size == size
    assert all_of(source, copied=copied) == data
    assert not source.piece(copied=copied)[0]
    for offset in (0, size // 2, size):
        source.seek(offset)
        assert all_of(source, copied=copied) == data[offset:]
    source.close()


def test_taper_a_holding_file_that_shrinks_is_bad_input(tmp_path: Path) -> None:
    path = hold(make_room(tmp_path), noise(6 * 1024 * 1024))
    source = source_of(path)
    os.truncate(path, 5 * 1024 * 1024 + 32768)
    got = 0
    with pytest.raises(BadInput) as caught:
        while piece := source.piece(copied=False)[0]:
            got += len(piece)
    assert (caught.value.code, got) == ("TAP015", 5 * 1024 * 1024)
    assert caught.value.message == f"{path}: became shorter while it was read (HLD016)"
    source.close()


def test_taper_asks_the_catalogue_if_there_is_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
                                                  capsys: pytest.CaptureFixture[str]) -> None:
    site = make_room(tmp_path).site()
    storage = site.storages["main"]
    assert protected_by_catalogue(site, storage) == {}
    site.catalogue.write_bytes(b"")
    module = types.ModuleType("core.catalogue.protect")
    module.protected_labels = lambda site, storage: {"A-1": "last full"}  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "core.catalogue.protect", module)
    assert protected_by_catalogue(site, storage) == {"A-1": "last full"}

    def broken(site: object, storage: object) -> dict[str, str]:
        raise sqlite3.DatabaseError("file is not a database")

    module.protected_labels = broken  # type: ignore[attr-defined]
    site.tapelist.write_text("20261101000000 A-1 reuse\n0 A-2 reuse\n")
    assert protected_by_catalogue(site, storage) == {"A-1": "the catalogue cannot be read"}
    assert "taper: the catalogue cannot be asked: file is not a database" in capsys.readouterr().err


def test_taper_pipe_of_a_driver_that_is_gone() -> None:
    order, orders = os.pipe()
    gone, report = os.pipe()
    os.close(gone)
    pipe = Pipe(order, report)
    os.write(orders, b"START-TAPER 20261124010203\n")
    assert isinstance(pipe.listen(), taper.StartTaper)
    pipe.say(taper.TaperOk("drive0"))
    with pytest.raises(Stopped):
        pipe.listen()
    assert pipe.allows(taper.Quiting)
    pipe.quit()
    pipe.quit()
    for fd in (order, orders, report):
        os.close(fd)


def test_taper_pipe_waits_for_time_and_for_others() -> None:
    order, orders = os.pipe()
    other, others = os.pipe()
    pipe = Pipe(order, 1)
    assert pipe.listen(0.0) is None
    os.write(others, b"x")
    assert pipe.listen(None, other) is None
    os.close(orders)
    with pytest.raises(Stopped):
        pipe.listen()
    for fd in (order, other, others):
        os.close(fd)


def test_taper_room_ahead_is_given_back(tmp_path: Path) -> None:
    for size in (100, 3 * 1024 * 1024, 20 * 1024 * 1024):
        path = tmp_path / str(size)
        with path.open("wb") as file:
            ahead = Ahead(file.fileno())
            written = 0
            while written < size:
                written += file.write(bytes(min(1024 * 1024, size - written)))
                file.flush()
                ahead.grown(written)
            ahead.ended(size)
        assert path.stat().st_size == size
        assert path.stat().st_blocks * 512 < size + 1024 * 1024
    with open(os.devnull, "wb") as file:
        ahead = Ahead(file.fileno())
        ahead.grown(10 * 1024 * 1024)
