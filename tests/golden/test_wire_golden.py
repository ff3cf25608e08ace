"""What a real Amanda 3.5.1 said on its wire, read and written by us."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from core.model.disk import Compression, Disk, Dumptype, Host
from core.wire import features
from core.wire.features import STOCK, Features
from core.wire.frames import FrameReader, end_of
from core.wire.mesg import Mesg
from core.wire.packets import Assembler, Kind, Packet, encode
from core.wire.requests import read_request, split_service
from core.wire.services import (
    noop_request,
    parse_backup,
    parse_features,
    parse_sendsize,
    selfcheck_request,
    sendbackup_request,
    sendsize_request,
)

GOLDEN = Path(__file__).with_name("amanda-3.5.1") / "pipes"
HOST = Host("localhost", maxdumps=4)
ALPHA = Disk(
    HOST,
    "/srv/amdata/alpha",
    Dumptype(program="amgtar", auth="local", compress=Compression.NONE, estimate=("client", "server")),
)


def conversation(name: str, direction: str) -> list[tuple[int, str, str]]:
    """(handle, kind, text) of each frame that went ``from`` or ``to`` the server."""
    found: list[tuple[int, str, str]] = []
    wanted = False
    for line in (GOLDEN / f"pipes-{name}.txt").read_text().splitlines():
        if line.startswith("# amandad"):
            wanted = f" {direction} server" in line
        elif wanted and (head := re.match(r"handle=(\d+) (?:len=\d+ ?(\w*)|<(EOF)>)", line)):
            found.append((int(head[1]), head[2] or head[3] or "", ""))
        elif wanted and line.startswith("    | "):
            handle, kind, text = found[-1]
            found[-1] = (handle, kind, f"{text}{line[6:]}\n")
    return found


def body(name: str, service: str) -> str:
    return next(
        text for _, kind, text in conversation(name, "from") if kind == "P_REQ" and f"SERVICE {service}\n" in text
    )


def reply(name: str, start: str) -> str:
    return next(text for _, kind, text in conversation(name, "to") if kind == "P_REP" and text.startswith(start))


def test_noop_request() -> None:
    assert noop_request(STOCK) == body("run2.amandad1", "noop")


def test_sendsize_request() -> None:
    # The stock server offers its own estimate for level 0 only; `level` of the fixture is told so by hand.
    ours = sendsize_request([(ALPHA, (0, 1))], STOCK, STOCK, "fixt", "20261123005214")
    theirs = body("run2.amandad1", "sendsize")
    assert (
        ours.replace("<level>1<server>YES</server></level>", "<level>1</level>").replace("CLIENT SERVER ", "CLIENT ")
        == theirs
    )


def test_sendbackup_request() -> None:
    theirs = re.sub(r"data-shm-control-name=[^;]*;", "", body("run2.amandad2", "sendbackup"))
    assert sendbackup_request(ALPHA, 0, STOCK, STOCK, "fixt", "20261123005214") == theirs


def test_selfcheck_request() -> None:
    one = Disk(
        HOST, ALPHA.disk, Dumptype(program="amgtar", auth="local", compress=Compression.NONE, estimate=("client",))
    )
    assert selfcheck_request([one], STOCK, STOCK, "fixt") == body("selfcheck.amandad1", "selfcheck")


@pytest.mark.parametrize("name", ["run1", "run2", "run3", "split0"])
def test_our_client_reads_what_a_server_asks(name: str) -> None:
    for part in ("amandad1", "amandad2"):
        for _, kind, text in conversation(f"{name}.{part}", "from"):
            if kind == "P_REQ":
                service, rest = split_service(text)
                request = read_request(service, rest)
                assert request.features == STOCK
                for dle in request.dles:
                    assert dle.program == "amgtar"
                    assert dle.device == dle.disk
                    assert dle.record and dle.index


def test_replies() -> None:
    assert parse_features(reply("run2.amandad1", "OPTIONS")) == STOCK
    sizes = parse_sendsize(next(t for _, k, t in conversation("run2.amandad1", "to") if k == "P_REP" and "SIZE" in t))
    assert sizes.sizes == {("/srv/amdata/alpha", 0): 40, ("/srv/amdata/alpha", 1): 20}
    assert parse_backup(reply("run2.amandad2", "CONNECT")).streams == {
        "DATA": 499999,
        "MESG": 499998,
        "INDEX": 499997,
        "STATE": 499996,
    }


def test_mesg_of_a_dump() -> None:
    mesg = Mesg()
    for handle, kind, text in conversation("run2.amandad2", "to"):
        if handle == 499998:
            # The pieces were cut anywhere; the notes show each on lines of its own.
            mesg.feed(text.removesuffix("\n").encode() if text.endswith("RECOVER_CMD=\n") else text.encode())
            assert not (kind == "EOF" and text)
    mesg.feed(b"")
    assert mesg.info == {
        "BACKUP": "APPLICATION",
        "APPLICATION": "amgtar",
        "RECOVER_CMD": "/usr/lib/amanda/application/amgtar restore [./file-to-restore]+",
    }
    assert (mesg.size_kib, str(mesg.native), str(mesg.client)) == (40, "a23f1805:40960", "a23f1805:40960")
    assert mesg.ended and mesg.closed and not mesg.strange and mesg.error is None


def test_noop_byte_for_byte() -> None:
    asked = b"\0\0\0\x48\0\0\0\x01\0SERVICE noop\nOPTIONS features=ffffffff9efefbfffffffffffffff3fffbf71f;\n\0"
    assert encode(1, Packet(Kind.REQ, noop_request(STOCK))) == asked
    assert encode(1, Packet(Kind.ACK)) == b"\0\0\0\x02\0\0\0\x01\x03\0"
    assert end_of(1) == b"\0\0\0\0\0\0\0\x01"
    reader = FrameReader()
    packets = Assembler(reader)
    found: list[Packet | None] = []
    reader.feed(memoryview(asked), lambda handle, piece: found.append(packets.add(piece)))
    assert found == [Packet(Kind.REQ, noop_request(STOCK))]


def test_bits_have_amandas_names() -> None:
    assert STOCK.text == "ffffffff9efefbfffffffffffffff3fffbf71f"
    assert len(features.NAMES) == 156
    named = {name: bit for bit, name in enumerate(features.NAMES)}
    for bit, name in [
        (15, "program_gnutar"),
        (39, "rep_options_features"),
        (52, "partial_estimate"),
        (68, "interface_quoted_text"),
        (80, "req_xml"),
        (102, "sendbackup_crc"),
        (113, "selfcheck_message"),
        (117, "sendbackup_stream_state"),
        (147, "data_shm_control_name"),
        (148, "req_options_timestamp"),
        (149, "large_frames"),
        (153, "index_detail"),
    ]:
        assert named[name] == bit
    assert not features.SERVER.has(features.SELFCHECK_MESSAGE)
    assert not features.SERVER.has(features.SHM_CONTROL_NAME)
    assert not features.CLIENT.has(features.SHM_CONTROL_NAME)
    assert Features.parse(features.CONFIRMING.text) == features.CONFIRMING
