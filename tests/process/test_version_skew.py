"""A server and a client of different versions: each goes by what the other announces, never by what it is itself.

There is no earlier version yet, so a peer that lacks what we added is one of ours that announces less.  CONTRIBUTING says what
is added here once there is one.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from core.model.disk import Compression
from core.wire.features import (
    CLIENT,
    CONFIRMING,
    CONFIRMS,
    FRAME_SUMS,
    INDEX_DETAIL,
    INDEX_LISTING,
    KEEPS_CONNECTION,
    LARGE_FRAMES,
    LEGACY,
    NAMES,
    PARTIAL_ESTIMATE,
    PUTS_BACK,
    SENDBACKUP_CRC,
    STOCK,
    STREAM_STATE,
    Features,
)
from core.wire.services import parse_selfcheck, parse_sendsize, selfcheck_request, sendsize_request
from core.wire.transports import Connection
from tests.support.client import ROOT, a_disk, client, dump

OURS = (LARGE_FRAMES, KEEPS_CONNECTION, INDEX_LISTING, CONFIRMS, INDEX_DETAIL, FRAME_SUMS, PUTS_BACK)
OPTIONAL = (*OURS, SENDBACKUP_CRC, STREAM_STATE, PARTIAL_ESTIMATE)
LESS_CLIENT = """
import sys
import core.wire.features as f
import clientd.settings as s

known, parse = f.Features.parse(sys.argv.pop(1)), f.Features.parse.__func__
lacks = s.CLIENT.bits - known.bits
f.Features.parse = classmethod(lambda cls, text: parse(cls, text).less(*lacks))
s.CLIENT = known
from clientd.amandad import main
sys.exit(main())
"""
"""A client that announces the features it is called with, and does not know the others when a server announces them."""


def tree(tmp_path: Path) -> Path:
    top = tmp_path / "data"
    (top / "d").mkdir(parents=True)
    (top / "d/noise").write_bytes(os.urandom(300_000))
    (top / "letter").write_text("dear reader\n" * 20000)
    return top


def works(connection: Connection, server: Features, top: Path, client_has: Features) -> None:
    """Check, estimate, a full and an incremental, with a compression that has a part of the protocol of its own."""
    disk = a_disk(connection.host, top, compress=Compression.CLIENT_FAST)
    said = parse_selfcheck(connection.request("selfcheck", selfcheck_request([disk], server, connection.features, "t"), 30.0))
    assert said and all(good for good, _ in said), said
    found = parse_sendsize(connection.request(
        "sendsize", sendsize_request([(disk, (0, 1))], server, connection.features, "t", "20261129000000"), 30.0))
    assert found.sizes[disk.disk, 0] > 400 and not found.errors
    for level in (0, 1):
        done = dump(connection, disk, level, server, confirm=server.has(CONFIRMS))
        assert done.mesg.closed and done.mesg.error is None, done.mesg
        assert ("/letter" in done.index) is (level == 0)
        both = server.bits & client_has.bits
        if LARGE_FRAMES not in both:
            assert done.longest <= 32768
        assert bool(done.details) is (INDEX_DETAIL in both)
        assert (done.mesg.client == done.crc) is (SENDBACKUP_CRC in both)


def a_client(announces: Features) -> tuple[str, ...]:
    return (sys.executable, "-P", "-c", LESS_CLIENT, announces.text, "-auth=local")


LESS = pytest.mark.parametrize("bits", [
    pytest.param(OPTIONAL, id="all"), *(pytest.param((bit,), id=NAMES[bit], marks=pytest.mark.slow) for bit in OPTIONAL)])


@LESS
def test_our_server_with_a_client_that_knows_less(bits: Sequence[int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    announced = CLIENT.less(*bits)
    with client(tmp_path, monkeypatch, amandad=a_client(announced)) as found:
        assert found.features == announced
        works(found, CONFIRMING, tree(tmp_path), announced)


@LESS
def test_our_client_with_a_server_that_knows_less(bits: Sequence[int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    server = CONFIRMING.less(*bits)
    with client(tmp_path, monkeypatch) as found:
        works(found, server, tree(tmp_path), found.features)


def test_a_client_of_the_future_is_understood(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    announced = CLIENT.plus(*range(156, 180))
    with client(tmp_path, monkeypatch, amandad=a_client(announced)) as found:
        works(found, CONFIRMING.plus(*range(156, 180)), tree(tmp_path), announced)


def test_what_we_added_is_nowhere_taken_for_granted() -> None:
    """A stock peer announces none of our bits, and who says nothing has none."""
    assert not set(OURS) & STOCK.bits and not set(OURS) & LEGACY.bits
    assert ROOT.is_dir()
