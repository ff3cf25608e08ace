"""What comes from the network, on both ends: frames, packets, requests, replies, messages, tar streams."""

from __future__ import annotations

from core.errors import ProtocolError, WorldError
from core.model.disk import Compression, Disk, Dumptype, Host
from core.restore.tarstream import TarStream
from core.wire import exchange, services
from core.wire.bundle import Bundle, read_bundle, read_trust
from core.wire.features import CLIENT, SERVER, Features
from core.wire.frames import LIMIT, FrameReader, end_of, frame
from core.wire.mesg import MAX_LINES, Mesg
from core.wire.packets import Assembler, Kind, Packet, decode, encode
from core.wire.packing import GZIP_FAST, FrameSizes, zstd_for
from core.wire.peers import greeting, read_greeting
from core.wire.requests import read_request, split_service
from tests.fuzz.mutate import inputs

DISK = Disk(Host("web1"), "/srv/a b", Dumptype(
    exclude=("./x", "*.o"), include_list=("list",), compress=Compression.CLIENT_CUSTOM, compress_program="/bin/zstd",
    index=True))
BODIES = [text.encode("utf-8", "surrogateescape") for text in (
    services.noop_request(SERVER), services.sendbackup_request(DISK, 1, SERVER, CLIENT, "daily", "20261123001500"),
    services.sendsize_request([(DISK, (0, 1, 2))], SERVER, CLIENT, "daily", "20261123001500"),
    services.selfcheck_request([DISK, DISK], SERVER, CLIENT, "daily"))]
XML_WORDS = (b"<dle>", b"</dle>", b"<disk>", b"</disk>", b"<level>", b'encoding="raw" raw="', b"&amp;", b"&#1114112;",
             b"&#xd800;", b"<exclude>", b"<program>GNUTAR</program>", b"OPTIONS ", b"features=", b"maxdumps=",
             b"SERVICE noop\n")
PACKETS = [encode(7, Packet(kind, body.decode("utf-8", "surrogateescape"))) for kind in Kind for body in BODIES[:2]]
STREAM = b"".join(PACKETS) + frame(499999, b"data" * 20) + end_of(499999)
REPLIES = [
    b"OPTIONS features=ffffffff9efefbfffffffffffffff3fffbf71f;\n", b"CONNECT DATA 499999 MESG 499998 INDEX 499997 STATE -1\n",
    b'ERROR [no]\n"/a b" 0 SIZE 1234\n/c 1 ERROR "not there"\n/c 2 WARNING "odd"\n', b"OK /home\nERROR [bad disk]\n",
    b'RETRY delay 60 level 1 message "busy"\n', b"ERROR NAK\n"]
MESG = (b"sendbackup: start [web1:/home level 1]\nsendbackup: info BACKUP=/bin/tar\nsendbackup: info RECOVER_CMD=/bin/tar -x\n"
        b"sendbackup: info end\n| Total bytes written: 10240\n? tar: x: odd\nsendbackup: size 10\n"
        b"sendbackup: native-CRC 12ab:10240\nsendbackup: retry delay 5 level 0 message \"later\"\n"
        b"sendbackup: warning [w]\nsendbackup: error [e]\nsendbackup: end\n")


def frames(data: bytes) -> None:
    """Any bytes, in any pieces, joined or not, give the same pieces of streams, or ProtocolError."""
    found = []
    for size, join in ((len(data) or 1, False), (7, False), (len(data) or 1, True), (7, True)):
        reader, seen = FrameReader(), bytearray()
        feed = reader.feed_joined if join else reader.feed

        def sink(handle: int, piece: memoryview, seen: bytearray = seen) -> None:
            seen += handle.to_bytes(4, "big") * (not len(piece)) + piece

        try:
            for at in range(0, len(data), size):
                feed(memoryview(bytearray(data[at:at + size])), sink)
        except ProtocolError as fault:
            assert len(str(fault)) < 1000
        found.append(bytes(seen))
    assert len(set(found)) == 1


def packets(data: bytes) -> None:
    """Packets alone and out of frames; both ends' state machines take any of them at any time."""
    requester, responder = exchange.Requester("SERVICE noop\nOPTIONS \n", 30.0), exchange.Responder()
    requester.begin(0.0)
    reader = FrameReader()
    whole = Assembler(reader)

    def sink(handle: int, piece: memoryview) -> None:
        packet = whole.add(piece) if len(piece) else None
        if packet is not None:
            requester.receive(packet, 1.0)
            responder.receive(packet, 1.0)

    try:
        packet = decode(data)
        assert decode(encode(1, packet)[8:]) == packet
    except ProtocolError:
        pass
    try:
        reader.feed(memoryview(data), sink)
    except ProtocolError:
        pass
    requester.tick(100.0)
    responder.tick(100.0)


def requests(data: bytes) -> None:
    """What a server asks: a request or ProtocolError, and never more of it than came."""
    text = data.decode("utf-8", "surrogateescape")
    for body in (text, "SERVICE sendbackup\n" + text):
        try:
            name, rest = split_service(body)
            found = read_request(name, rest)
        except ProtocolError as fault:
            assert len(str(fault)) < 2000
        else:
            assert len(found.dles) <= len(text) and all(0 <= level <= 399 for dle in found.dles for level in dle.levels)


def replies(data: bytes) -> None:
    """What a client answers."""
    text = data.decode("utf-8", "surrogateescape")
    for parse in (services.parse_features, services.parse_backup, services.parse_sendsize, services.parse_selfcheck,
                  services.parse_errors, Features.parse):
        try:
            parse(text)
        except ProtocolError:
            pass


def mesg(data: bytes) -> None:
    """What a client says of a dump; the same in whatever pieces, and bounded."""
    found = []
    for size in (len(data) or 1, 11):
        said = Mesg()
        try:
            for at in range(0, len(data), size):
                said.feed(data[at:at + size])
            said.feed(b"")
        except ProtocolError:
            found.append(None)
            continue
        assert len(said.strange) <= MAX_LINES and len(said.normal) <= MAX_LINES and len(said.info) <= 31
        assert all(len(line) < 500 for line in (*said.strange, *said.normal))
        found.append((said.info, said.size_kib, said.native, said.client, said.strange, said.normal, said.error, said.retry,
                      said.ended))
    assert None in found or found[0] == found[1]


def tar(data: bytes) -> None:
    """A dump's data: what restore reads, and what makes the index; the first may refuse, the second never does."""
    from core.wire.tar_index import TarIndexer

    names: list[bytes] = []
    TarIndexer(lambda offset, name, *more: names.append(name), names.append).feed(memoryview(data))
    out = bytearray()
    stream = TarStream(lambda member: True, lambda piece: out.extend(piece), lambda name, body: None)
    try:
        stream.feed(memoryview(data))
        stream.finish()
    except WorldError as fault:
        assert fault.code == "RST020"
    assert len(out) <= len(data) + 512


def enrolments(data: bytes) -> None:
    """What is to be an enrolment, and what a listener says first: values, or ProtocolError."""
    text = data.decode("utf-8", "surrogateescape")
    for read in (read_bundle, read_trust):
        try:
            found = read(text)
        except ProtocolError as fault:
            assert len(str(fault)) < 1000
        else:
            assert read(found.text() if read is read_bundle else found.trust) == found and 0 < found.port < 65536
    try:
        assert len(read_greeting(data)) <= 401
    except ProtocolError as fault:
        assert len(str(fault)) < 1000


def packed_frames(data: bytes) -> None:
    """Stored data: its frames, the same however it is cut, or none."""
    found = []
    for size in (len(data) or 1, 7):
        sizes = FrameSizes()
        for at in range(0, len(data), size):
            sizes.feed(memoryview(data)[at:at + size])
        assert not sizes.whole or sum(sizes.sizes) == len(data)
        found.append((sizes.kind, sizes.unit, sizes.whole, list(sizes.sizes)))
    assert found[0] == found[1]


def packed_seeds() -> list[bytes]:
    """Two frames of each kind."""
    zstd = zstd_for("zstd")
    packings = [GZIP_FAST, *([zstd] if zstd is not None else [])]
    return [packing.pack(memoryview(b"hello" * 9)) + packing.pack(memoryview(b"hi")) for packing in packings]


def tar_seeds() -> list[bytes]:
    """Small archives of the forms that are read."""
    import io
    import tarfile

    found = []
    for form in (tarfile.GNU_FORMAT, tarfile.PAX_FORMAT, tarfile.USTAR_FORMAT):
        out = io.BytesIO()
        with tarfile.open(fileobj=out, mode="w", format=form) as archive:
            for name in ("./a", "./" + "n" * 90 + "/b", *(["./" + "l" * 180] if form != tarfile.USTAR_FORMAT else [])):
                member = tarfile.TarInfo(name)
                member.size = 5
                archive.addfile(member, io.BytesIO(b"hello"))
        found.append(out.getvalue()[:4096])
    return found


PEM = "-----BEGIN {0}-----\nTWFuIGlz\n-----END {0}-----\n"
ENROLMENT = Bundle("daily", "web1", "0f" * 32, 10085, "2030-01-31", *(
    PEM.format(label) for label in ("CERTIFICATE", "X509 CRL", "CERTIFICATE", "PRIVATE KEY")))
assert len(STREAM) < LIMIT
TARGETS = {
    "packed": (packed_frames, inputs(packed_seeds(), (b"TR\x08\0", b"\x5e\x2a\x4d\x18\x08\0\0\0", b"\x1f\x8b\x08\x04"))),
    "frames": (frames, inputs([STREAM, *PACKETS], (end_of(1), b"\0\0\0\1", b"\0\x40\0\0"))),
    "packets": (packets, inputs([STREAM, *(packet[8:] for packet in PACKETS)], (b"\0", b"\1", b"\3", b"SERVICE "))),
    "dle-xml": (requests, inputs(BODIES, XML_WORDS)),
    "replies": (replies, inputs(REPLIES, (b"SIZE ", b"ERROR ", b"CONNECT DATA ", b"features=", b"RETRY "))),
    "mesg": (mesg, inputs([MESG], (b"sendbackup: ", b"sendbackup: info ", b"CRC=", b"| ", b"? "))),
    "enrolments": (enrolments, inputs([ENROLMENT.text().encode(), ENROLMENT.trust.encode(), greeting(), greeting("CLT042 no")],
                                      (b"-----BEGIN ", b"-----END CERTIFICATE-----\n", b": ", b"TAPEROOM TLS 1 NO "))),
    "tar": (tar, inputs(tar_seeds(), (b"ustar  \0", b"ustar\00000", b"x", b"D", b"S", bytes(512)))),
}
