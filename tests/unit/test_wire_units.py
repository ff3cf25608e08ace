"""The wire piece by piece: what is refused and in which words."""

from __future__ import annotations

from array import array

import pytest

from core.errors import ProtocolError
from core.model.disk import Compression, Disk, Dumptype, Host
from core.model.dump import Crc
from core.wire import exchange
from core.wire.dle_xml import read_dles
from core.wire.exchange import Accepted, Close, Partial, Refused, Reply, Requester, Responder, Send, Silent, Start
from core.wire.features import (
    LEGACY,
    QUOTED_ERROR,
    QUOTED_TEXT,
    SERVER,
    STOCK,
    XML_ESTIMATE,
    XML_ESTIMATELIST,
    Features,
)
from core.wire.frames import LIMIT, FrameReader, frame
from core.wire.mesg import MAX_LINES, Mesg, Retry, frame_lines, parse_retry
from core.wire.packets import Kind, Packet, decode, encode
from core.wire.requests import (
    connect_line,
    error_line,
    features_line,
    read_request,
    size_error_line,
    size_line,
    split_service,
)
from core.wire.services import (
    BackupReply,
    parse_backup,
    parse_errors,
    parse_features,
    parse_selfcheck,
    parse_sendsize,
    selfcheck_request,
    sendbackup_request,
    sendsize_request,
)
from core.wire.words import clean, first_word, quote, unquote
from core.wire.xml import read, write

HOST = Host("web1", maxdumps=2)


def refused(data: bytes) -> str:
    with pytest.raises(ProtocolError) as caught:
        FrameReader().feed(memoryview(data), lambda handle, piece: None)
    return str(caught.value)


def test_a_banner_is_shown() -> None:
    text = refused(b"Welcome to web1!\r\nNo unauthorised use.\x1b[31m\n")
    assert text == 'it says "Welcome to web1! No unauthorised use.?[31m"'


def test_a_length_of_four_gib_is_refused() -> None:
    assert refused(b"\xff\xff\xff\xff\0\0\0\x01") == f"a frame of 4294967295 bytes is longer than {LIMIT}"
    with pytest.raises(ValueError, match="too long for a frame"):
        frame(1, bytes(LIMIT + 1))


def test_packets_that_are_none() -> None:
    for data, words in [(b"", "is no packet"), (b"\x07x\0", "is no packet"), (b"\0a\0b\0", "a NUL in its body")]:
        with pytest.raises(ProtocolError, match=words):
            decode(data)
    with pytest.raises(ProtocolError, match="cannot be sent"):
        encode(1, Packet(Kind.REQ, "a\0b"))


def test_features() -> None:
    assert Features.parse("UNKNOWNFEATURE") == Features()
    assert Features().text == "00" * 19
    assert Features.parse("01").has(0)
    assert SERVER.less(149).plus(149) == SERVER
    for text in ("0", "zz", "ab" * 300):
        with pytest.raises(ProtocolError, match="no set of features"):
            Features.parse(text)


def test_words() -> None:
    assert quote("/srv/data") == "/srv/data"
    assert quote("") == '""'
    assert quote("/a b#") == '"/a b#"'
    assert quote("/ü\n") == '"/ü\\n"'
    assert unquote(r'"a\t\142"\x') == "a\tbx"
    assert unquote(r"\303\274") == "ü"
    assert first_word("") == ("", "")
    assert first_word('"/a b" 0 SIZE 1') == ("/a b", "0 SIZE 1")
    assert clean("a\x1b[1m\tb" + "x" * 500, 8) == "a?[1m bx…"


def test_xml_that_is_none() -> None:
    for text, words in [
        ("<a>", "'a' element is not closed"),
        ("</a>", "closes nothing"),
        ("<a></b>", "closes nothing"),
        ("text", "outside of elements"),
        ("<a>&nbsp;</a>", "is no entity"),
        ("<a>&#0;</a>", "is no entity"),
        ("<a>&#xD800;</a>", "is no entity"),
        ("<a>&</a>", "is no entity"),
        ("<!DOCTYPE a><a/>", "is no element"),
        ("<a b='c'/>", "Invalid attributes"),
        ('<a encoding="raw" raw="!"/>', "no base64"),
        ('<a encoding="raw" raw="AAA="/>', "a NUL"),
        ("<a>" * 9, "too deep"),
        ("<1/>", "is no element"),
        ("</a x='1'>", "closes nothing"),
    ]:
        with pytest.raises(ProtocolError, match=words):
            read(text)


def test_xml_that_is() -> None:
    assert read("<a>&lt;&amp;&gt;&quot;&apos;&#65;&#x42;</a>")[0].text == "<&>\"'AB"
    assert write("disk", "/da ta") == '<disk encoding="raw" raw="L2RhIHRh">/da_ta</disk>'
    assert write("disk", "") == "<disk></disk>"
    assert read('<disk encoding="raw" raw="L2RhIHRh">/da_ta</disk>')[0].text == "/da ta"
    (element,) = read("<x> <a>1</a> <a/> </x>")
    assert [child.text for child in element.all("a")] == ["1", ""]
    with pytest.raises(ProtocolError, match="2 'a' elements"):
        element.value("a")


@pytest.mark.parametrize(
    "text,words",
    [
        ("<x></x>", "Invalid x element"),
        ("<dle><y/></dle>", "Invalid y element"),
        ("<dle></dle>", "program element missing"),
        ("<dle><program>GNUTAR</program></dle>", "disk element missing"),
        ("<dle><program>GNUTAR</program><disk>/</disk><level>400</level></dle>", "no number from 0 to 399"),
        ("<dle><program>GNUTAR</program><disk>/</disk><level>x</level></dle>", "no number"),
        ("<dle><program>GNUTAR</program><disk>/</disk><compress>ZIP</compress></dle>", "Invalid compress"),
        ("<dle><program>GNUTAR</program><disk>/</disk><record>MAYBE</record></dle>", "Invalid record"),
        (
            "<dle><program>GNUTAR</program><disk>/</disk><encrypt>CUSTOM</encrypt></dle>",
            "encrypt 'CUSTOM' is not known",
        ),
        ("<dle><program>GNUTAR</program><disk>/</disk><datapath>DIRECTTCP</datapath></dle>", "data-path 'DIRECTTCP'"),
        ("<dle><program>GNUTAR</program><disk>/</disk><exclude><z/></exclude></dle>", "Invalid z element"),
        ("<dle><program>APPLICATION</program><disk>/</disk><backup-program><plugin>a</plugin><property><z/></property>"
         "</backup-program></dle>", "Invalid z element"),
    ],
)
def test_requests_that_are_refused(text: str, words: str) -> None:
    with pytest.raises(ProtocolError, match=words):
        read_dles(text)


@pytest.mark.parametrize("name", ["level", "compress", "record", "encrypt", "datapath", "auth", "program", "disk", "unknown"])
def test_a_refusal_does_not_repeat_what_has_no_end(name: str) -> None:
    long = "[" * 50_000
    text = f"<dle><program>GNUTAR</program><disk>/</disk><{name}>{long}</{name}></dle>"
    try:
        read_dles(text)
    except ProtocolError as fault:
        assert len(str(fault)) < 200


def test_an_application_and_its_exclude() -> None:
    (dle,) = read_dles(
        "<dle><program>APPLICATION</program><backup-program><plugin>amgtar</plugin></backup-program><disk>/</disk>"
        "<exclude><file>./a</file><list>b</list><optional>YES</optional></exclude></dle>"
    )
    assert dle.program == "amgtar"
    assert (dle.exclude.files, dle.exclude.lists, dle.exclude.optional) == (("./a",), ("b",), True)
    assert dle.application and dle.properties == ()
    kind = Dumptype(program="amgtar", properties=(("ONE-FILE-SYSTEM", ("no",)), ("NORMAL", ("a b", "<c>"))))
    text = sendbackup_request(Disk(HOST, "/srv", kind), 0, SERVER, STOCK, "daily", "1")
    assert text.endswith("""  <backup-program>
    <plugin>amgtar</plugin>
    <property>
      <name>ONE-FILE-SYSTEM</name>
      <value>no</value>
    </property>
    <property>
      <name>NORMAL</name>
      <value encoding="raw" raw="YSBi">a_b</value>
      <value encoding="raw" raw="PGM+">_c_</value>
    </property>
  </backup-program>
</dle>
""")
    (dle,) = read_dles(text[text.index("<dle>"):])
    assert dle.properties == kind.properties and dle.program == "amgtar"


def test_requests_fit_the_peer() -> None:
    kind = Dumptype(
        program="gnutar",
        auth="ssh",
        compress=Compression.CLIENT_CUSTOM,
        compress_program="/bin/x",
        exclude=("./*.o",),
        include=("./a b",),
        estimate=("client", "server"),
        index=False,
        record=False,
    )
    disk = Disk(HOST, "/srv", kind, device="/dev/sdb1", spindle=3)
    text = sendsize_request([(disk, (0, 2))], SERVER, STOCK, "daily", "20260101000000")
    assert "<estimate>CLIENT SERVER </estimate>" in text
    assert "<level>2<server>YES</server></level>" in text
    assert "<compress>CUSTOM\n    <custom-compress-program>/bin/x</custom-compress-program>\n  </compress>" in text
    assert "<diskdevice>/dev/sdb1</diskdevice>" in text
    assert '    <file encoding="raw" raw="Li9hIGI=">./a_b</file>' in text
    assert "<record>NO</record>" in text and "<index>" not in text
    old = STOCK.less(XML_ESTIMATELIST)
    assert "<estimate>CLIENT </estimate>" in sendsize_request([(disk, (0,))], SERVER, old, "daily", "1")
    assert "<estimate>" not in sendsize_request([(disk, (0,))], SERVER, old.less(XML_ESTIMATE), "daily", "1")
    legacy = sendbackup_request(disk, 1, SERVER, LEGACY, "daily", "20260101000000")
    assert legacy.startswith("SERVICE sendbackup\nOPTIONS \n<dle>") and "datapath" not in legacy
    with pytest.raises(ValueError, match="without disks"):
        sendsize_request([], SERVER, STOCK, "daily", "1")
    with pytest.raises(ValueError, match="without disks"):
        selfcheck_request([], SERVER, STOCK, "daily")


def test_the_clients_side_of_a_request() -> None:
    for body in ("", "SERVICE noop\n", "SERVICE ../x\nO", "noop\nx"):
        with pytest.raises(ProtocolError, match="invalid REQ"):
            split_service(body)
    assert split_service("SECURITY USER backup\nSERVICE noop\nOPTIONS ;\n") == ("noop", "OPTIONS ;\n")
    assert read_request("noop", "OPTIONS maxdumps=x;").maxdumps == 1
    for text, words in [
        ("hello", "no OPTIONS line"),
        ("OPTIONS x=1;", r'\[unknown option "x"\]'),
        ("OPTIONS ;\n<x/>", "FORMAT ERROR IN REQUEST PACKET 'XML: Invalid x element'"),
    ]:
        with pytest.raises(ProtocolError, match=words):
            read_request("noop", text)


def test_lines_of_replies() -> None:
    assert features_line(Features(), "web1") == f"OPTIONS features={'00' * 19};hostname=web1;\n"
    assert error_line("a\nb") == "ERROR [a b]\n"
    assert connect_line({"DATA": 5, "INDEX": -1}) == "CONNECT DATA 5 INDEX -1\n"
    assert size_line("/a b", 0, 7, STOCK) == '"/a b" 0 SIZE 7\n'
    assert size_line("/a b", 0, 7, STOCK.less(QUOTED_TEXT)) == "/a b 0 SIZE 7\n"
    assert size_error_line("/a", 1, "no\nway", STOCK) == '/a 1 ERROR "no way"\n'
    assert size_error_line("/a", 1, "way", STOCK) == '/a 1 ERROR "way"\n'
    assert size_error_line("/a", 1, "no", STOCK.less(QUOTED_ERROR)) == "/a 1 SIZE -1\n"


def test_replies() -> None:
    assert parse_features("hello\n") == LEGACY
    assert parse_features("OPTIONS hostname=x;\n") == LEGACY
    with pytest.raises(ProtocolError):
        parse_features("OPTIONS features=xyz;\n")
    assert parse_errors("ERROR [a b]\nERROR c\nERRORS no\n") == ["a b", "c"]
    assert parse_backup("ERROR [no]\n") == BackupReply(errors=["no"])
    assert parse_backup('RETRY delay 30 level 1 message "busy now"\n').retry == Retry(30, 1, "busy now")
    assert parse_backup("CONNECT DATA 9 MESG 8 INDEX -1\n").streams == {"DATA": 9, "MESG": 8}
    for text, words in [
        ("OPTIONS ;\n", "a reply without streams"),
        ("CONNECT DATA 9 MESG 9\n", "two streams with one handle"),
    ]:
        with pytest.raises(ProtocolError, match=words):
            parse_backup(text)
    found = parse_sendsize(
        'OPTIONS ;\n/a 0 SIZE 5\n/a 1 SIZE -9\n"/b c" 0 ERROR "it [is] \\"bad\\""\n/a 0 WARNING x\nERROR [host]\n'
    )
    assert found.sizes == {("/a", 0): 5, ("/a", 1): -2}
    assert (found.errors, found.warnings, found.host_errors) == ({"/b c": ['it [is] "bad"']}, {"/a": ["x"]}, ["host"])
    for line in ("/a 0", "/a x SIZE 1", "/a 0 SIZE x", "/a 0 WHAT 1", "/a 4000 SIZE 1", " 0 SIZE 1"):
        with pytest.raises(ProtocolError, match="cannot be read"):
            parse_sendsize(line)
    assert parse_selfcheck("OPTIONS ;\nOK /a\nERROR [bad \x1b]\nwhat\n\n") == [
        (True, "/a"),
        (False, "bad ?"),
        (False, "what"),
    ]


def test_retries() -> None:
    assert parse_retry("") == Retry()
    assert parse_retry("level 2") == Retry(level=2)
    assert parse_retry("garbage") == Retry()


def test_mesg() -> None:
    mesg = Mesg()
    mesg.feed(
        b"sendbackup: start [h:/d level 0]\nsendbackup: info BACKUP=/bin/tar\nsendbackup: info end\n\n"
        b"| fine \x1b\n? odd\nplain\n"
        b"sendbackup: no-op\nsendbackup: state x\nsendbackup: warning [w]\nsendbackup: size 5\nsendbackup: native-CRC ff:10\n"
        b'sendbackup: client-CRC fe:9\nsendbackup: retry delay 5 level 0 message "later"\nsendbackup: what 1\n'
        b"sendbackup: size big\nsendbackup: client-CRC x\nsendbackup: info LATE=1\nsendbackup: end\nrest"
    )
    assert not mesg.closed
    mesg.feed(memoryview(b""))
    assert mesg.info == {"BACKUP": "/bin/tar"} and mesg.info_complete and mesg.ended and mesg.closed
    assert (mesg.size_kib, mesg.native, mesg.client) == (5, Crc(255, 10), Crc(254, 9))
    assert mesg.normal == ["fine ?"]
    assert mesg.strange == [
        "odd",
        "?? plain",
        "w",
        "?? sendbackup: what 1",
        "?? sendbackup: size big",
        "?? sendbackup: client-CRC x",
        "?? sendbackup: info LATE=1",
        "?? rest (no end of line)",
    ]
    assert mesg.retry == Retry(5, 0, "later")


def test_mesg_errors_and_floods() -> None:
    mesg = Mesg()
    mesg.feed(b"sendbackup: error [CLT029 tar [sic] failed]\n")
    assert (mesg.error, mesg.ended) == ("CLT029 tar [sic] failed", True)
    for text, error in [(b"no brackets", "no brackets"), (b"", "unknown error"), (b"[open", "open")]:
        one = Mesg()
        one.feed(b"sendbackup: error " + text + b"\n")
        assert one.error == error
    flood = Mesg()
    flood.feed(b"? x\n" * (MAX_LINES + 5))
    assert (len(flood.strange), flood.unshown) == (MAX_LINES, 5)


def test_a_request_and_its_reply() -> None:
    asking, answering = Requester("b", 100.0), Responder()
    assert asking.begin(0.0) == [Send(Packet(Kind.REQ, "b"))]
    ack, start = answering.receive(Packet(Kind.REQ, "b"), 0.0)
    assert (ack, start) == (Send(Packet(Kind.ACK)), Start("b"))
    assert answering.receive(Packet(Kind.REQ, "b"), 1.0) == [Send(Packet(Kind.ACK))], (
        "a repeated request starts nothing"
    )
    assert asking.receive(Packet(Kind.ACK), 1.0) == []
    assert asking.deadline == 101.0
    (partial,) = answering.partial("half")
    assert asking.receive(Packet(Kind.PREP, "half"), 2.0) == [Partial("half")]
    assert asking.deadline == 101.0, "a partial reply does not extend the time"
    assert partial == Send(Packet(Kind.PREP, "half"))
    assert answering.reply("all", 3.0) == [Send(Packet(Kind.REP, "all"))]
    assert answering.partial("late") == []
    assert asking.receive(Packet(Kind.REP, "all"), 3.0) == [Send(Packet(Kind.ACK)), Close(), Reply("all")]
    assert asking.receive(Packet(Kind.REP, "all"), 4.0) == [Send(Packet(Kind.ACK))], "the ACK was lost"
    assert asking.receive(Packet(Kind.NAK, "x"), 4.0) == []
    assert answering.receive(Packet(Kind.ACK), 4.0) == [Close(), Accepted(True)]
    assert answering.receive(Packet(Kind.ACK), 4.0) == []


def test_refusals_and_silence() -> None:
    asking = Requester("b", 100.0)
    asking.begin(0.0)
    assert asking.receive(Packet(Kind.REQ, "?"), 0.0) == []
    assert asking.receive(Packet(Kind.NAK, "no"), 0.0) == [Close(), Refused("no")]
    assert Responder().refuse("no") == [Send(Packet(Kind.NAK, "no")), Close()]
    silent = Requester("b", 100.0)
    silent.begin(0.0)
    assert silent.tick(9.0) == []
    assert [silent.tick(now) for now in (10.0, 20.0)] == [[Send(Packet(Kind.REQ, "b"))]] * 2
    assert silent.tick(30.0) == [Close(), Silent(False, 30.0)]
    assert silent.tick(1000.0) == []
    slow = Requester("b", 100.0)
    slow.begin(0.0)
    slow.receive(Packet(Kind.ACK), 5.0)
    assert slow.tick(105.0) == [Close(), Silent(True, 100.0)]


def test_a_reply_that_nobody_takes() -> None:
    answering = Responder()
    answering.receive(Packet(Kind.REQ, "b"), 0.0)
    answering.reply("r", 0.0)
    assert answering.tick(1.0) == []
    for turn in range(1, exchange.REP_TRIES):
        assert answering.tick(10.0 * turn) == [Send(Packet(Kind.REP, "r"))]
    assert answering.tick(10.0 * exchange.REP_TRIES) == [Close(), Accepted(False)]


def test_checksums_of_frames() -> None:
    frames = array("I", [0, 1, 0xFFFFFFFF, *range(10, 5010)])
    lines = frame_lines(frames)
    assert lines[0].startswith("sendbackup: frame-CRCs 0 0000000000000001ffffffff0000000a") and len(lines) == 2
    assert all(len(line) < 64 * 1024 for line in lines) and frame_lines(array("I")) == []
    mesg = Mesg()
    mesg.feed("".join(f"{line}\n" for line in lines).encode())
    assert mesg.frames == frames and not mesg.strange
    assert mesg.frames_said > 8 * len(frames)
    for bad in ("1 00000000", "x 00000000", "5003 0000000", "5003 0000000G", "5003", "0 00000000", ""):
        mesg.feed(f"sendbackup: frame-CRCs {bad}\n".encode())
        assert mesg.frames == frames and mesg.strange.pop().startswith("?? sendbackup: frame-CRCs"), bad
