"""Amanda's logs, curinfo records, command_file and disklist: what is read out of them, and every fault with its line."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.amanda.commands import Command, parse_commands
from core.amanda.conf import Conf, read_conf
from core.amanda.curinfo import history_of, parse_info
from core.amanda.disklist import Entry, read_disklist
from core.amanda.tracelog import Chunked, Closed, Dumped, Failed, Labelled, Part, Process, Taped, parse_log
from core.errors import UsageError
from core.model.dump import NO_CRC, Crc
from core.model.history import LevelStat

GOLDEN = Path(__file__).parents[1] / "golden" / "amanda-3.5.1" / "state"
CRC = Crc(0x1341ead2, 19106)


@pytest.mark.parametrize(("line", "fact"), [
    ('START taper datestamp 20261123005205 "ST:fixt" "POOL:p q" label FIXT-001 tape 1',
     Labelled("fixt", "p q", "FIXT-001", "20261123005205", 1)),
    ("START taper datestamp 20261123 label FIXT-001 tape 2", Labelled("", "", "FIXT-001", "20261123", 2)),
    ('PART taper "ST:s" "POOL:p" L-1 12 h "/a b" 20261123005205 3/-1 1 [sec 0.001 bytes 19106 kps 15.1 orig-kb 30]',
     Part("s", "p", "L-1", 12, "h", "/a b", "20261123005205", 3, 1, 19106, 30)),
    ("PART taper L-1 1 h /a 20261123005205 1/2 0 [sec 1.0 kb 18 kps 18.0]",
     Part("", "", "L-1", 1, "h", "/a", "20261123005205", 1, 0, 18 * 1024, 0)),
    ('DONE taper "ST:s" "POOL:p" h /a 20261123005205 1 0 4ac6186f:30720 1341ead2:19106 1341ead2:19106 '
     "[sec 0.5 bytes 19106 kps 180.0 orig-kb 30]",
     Taped("s", "p", "h", "/a", "20261123005205", 0, 1, True, 19106, 30, 0.5, Crc(0x4ac6186f, 30720), CRC, CRC)),
    ("DONE taper h /a 20261123005205 2 1 [sec 0.5 kb 7 kps 14.0]",
     Taped("", "", "h", "/a", "20261123005205", 1, 2, True, 7 * 1024, 0, 0.5)),
    ('PARTIAL taper "ST:s" "POOL:p" h /a 20261123005205 1 0 0:0 0:0 0:0 [sec 0.5 bytes 5 kps 1 orig-kb 0] "no more tape"',
     Taped("s", "p", "h", "/a", "20261123005205", 0, 1, False, 5, 0, 0.5, message="no more tape")),
    ("SUCCESS dumper h /a 20261123005205 0 4ac6186f:30720 1341ead2:19106 [sec 1.414 kb 18 kps 127.3 orig-kb 30]",
     Dumped("h", "/a", "20261123005205", 0, 18, 30, 1.414, Crc(0x4ac6186f, 30720), CRC)),
    ("SUCCESS dumper h /a 20261123005205 0 [sec 1.414 kb 18 kps 127.3 orig-kb 30]",
     Dumped("h", "/a", "20261123005205", 0, 18, 30, 1.414)),
    ("STRANGE dumper h /a 1 4ac6186f:30720 1341ead2:19106 [sec 1.0 kb 18 kps 127.3 orig-kb 30]",
     Dumped("h", "/a", "", 1, 18, 30, 1.0, Crc(0x4ac6186f, 30720), CRC, True)),
    ("SUCCESS chunker h /a 20261123005205 0 1341ead2:19106 [sec 1.3 kb 18 kps 134.2]",
     Chunked("h", "/a", "20261123005205", 0, CRC)),
    ("PARTIAL chunker h /a 20261123005205 0 1341ead2:19106 [sec 1.3 kb 18 kps 134.2]",
     Chunked("h", "/a", "20261123005205", 0, CRC, True)),
    ("FAIL driver h /a 20261123005205 0 [Skipping: Can't bump]", Failed("driver", "h", "/a", "20261123005205", 0,
                                                                          "Skipping: Can't bump")),
    ('FAIL planner h "/a b" 20261123005205 0 "[no estimate]"',
     Failed("planner", "h", "/a b", "20261123005205", 0, "no estimate")),
    ("FAIL planner h /a 19000101 1 [Skipping incronly]", Failed("planner", "h", "/a", "19000101", 1, "Skipping incronly")),
    ("INFO taper tape FIXT-001 kb 66 fm 3 [OK]", Closed("FIXT-001", 66, 3)),
    ("INFO amdump amdump pid 26895", Process("amdump", 26895, False)),
    ("INFO amdump pid-done 26895", Process("amdump", 26895, True)),
])
def test_a_line_of_a_log(line: str, fact: object) -> None:
    log = parse_log(line + "\n")
    assert (log.facts, log.faults) == ([fact], [])


@pytest.mark.parametrize("line", [
    "DISK planner h /a", "STATS driver hostname vm", "FAIL taper VAULT s p h /a 20261123005205 0 error x",
    "INFO dumper gzip 3", "WARNING planner tapecycle (5) <= runspercycle (7)", "START driver date 20261123005205", "",
])
def test_other_lines_tell_nothing(line: str) -> None:
    log = parse_log(line + "\n")
    assert (log.facts, log.faults) == ([], [])


def test_what_a_client_said_belongs_to_its_dump() -> None:
    [fact] = parse_log("STRANGE dumper h /a 1 1:1 1:1 [sec 1.0 kb 18 kps 1 orig-kb 30]\n  sendbackup: start\n  ? odd\n"
                       "INFO x y\n").facts
    assert isinstance(fact, Dumped) and fact.text == "sendbackup: start\n? odd"


@pytest.mark.parametrize(("text", "faults"), [
    ("DISK planner h /a\nPART taper L-1 x h /a 20261123005205 1/2 0 [sec 1.0 kb 18 kps 18.0]\n", [2]),
    ("DONE taper h /a 20261123005205 2 1\n", [1]), ("SUCCESS dumper h /a\n", [1]),
    ("START taper datestamp 3 label L tape 1\n", [1]),
    ("INFO x y\nSUCCESS dumper h /a 2026112300", [2]),
])
def test_faults_have_their_line(text: str, faults: list[int]) -> None:
    assert [number for number, _ in parse_log(text).faults] == faults


@pytest.mark.parametrize("log", sorted(GOLDEN.rglob("log.2*")), ids=lambda log: log.name)
def test_logs_of_a_real_amanda_are_read_as_a_whole(log: Path) -> None:
    found = parse_log(log.read_text())
    assert not found.faults
    wanted = sum(line.split(" ")[:2] in (["PART", "taper"], ["DONE", "taper"], ["SUCCESS", "dumper"], ["START", "taper"])
                 for line in log.read_text().splitlines())
    assert sum(isinstance(fact, Part | Taped | Dumped | Labelled) for fact in found.facts) == wanted


RECORD = """version: 0
command: 1
full-rate: 40.000000 40.000000
full-comp:
incr-rate: 3.333333
incr-comp:
stats: 0 40 40 1 1795395134 2 FIXT-002
stats: 1 10 9 3 1795395142 3 FIXT-003
stats: 2 0 0 0 -1 1 FIXT-004
last_level: 1 2
history: 1 10 9 1795395142 3
history: 0 40 40 1795395134 1
//
"""


def test_a_curinfo_record_is_a_history() -> None:
    info = parse_info(RECORD)
    assert (info.command, info.order, info.last_level, info.consecutive) == (1, "full", 1, 2)
    history = history_of(info)
    full = LevelStat(0, 40, 40, 1.0, 1795395134.0, ("FIXT-002",))
    first = LevelStat(1, 10, 9, 3.0, 1795395142.0, ("FIXT-003",))
    assert history.levels == {0: full, 1: first}
    assert [(stat.level, stat.date) for stat in history.recent] == [(1, first.date), (0, full.date)]
    assert (history.last_level, history.consecutive, history.forced) == (1, 2, "full")


def test_a_new_disk_has_no_history() -> None:
    text = "version: 0\ncommand: 0\nfull-rate:\nfull-comp:\nincr-rate:\nincr-comp:\nlast_level: -1 0\n//\n"
    history = history_of(parse_info(text))
    assert (history.levels, history.recent, history.last_level) == ({}, (), -1)


@pytest.mark.parametrize(("old", "new", "line"), [
    ("command: 1", "command: x", "2"), ("full-comp:\n", "", "4"), ("stats: 1 10 9 3", "stats: 1 10", "8"),
    ("last_level: 1 2\n", "", "10"), ("//\n", "", "13"), ("stats: 1 10", "stats: 400 10", "8"),
    ("history: 0 40 40", "history: 0 40 y", "12"),
])
def test_a_broken_record_names_its_line(old: str, new: str, line: str) -> None:
    with pytest.raises(ValueError, match=f"^{line}: "):
        parse_info(RECORD.replace(old, new))


def test_commands_that_are_not_done() -> None:
    text = ('VERSION 1\nID 12\n10 RESTORE fixt "" "" "" 0 0 h /a 20261123005222 0 WORKING:26298 DONE\n'
            '11 FLUSH fixt "/hold/x y" h "/a b" 20261123005222 0 main WORKING:0 TODO\n'
            '12 COPY fixt s p L-1 3 " ;L-1" 1795395134 h /a 20261123005222 1 vault WORKING:0 TODO\n')
    assert parse_commands(text) == (
        Command(11, "FLUSH", "fixt", "h", "/a b", "20261123005222", 0, "/hold/x y", "main"),
        Command(12, "COPY", "fixt", "h", "/a", "20261123005222", 1, "", "vault"))
    assert parse_commands("") == () == parse_commands((GOLDEN / "command_file").read_text())


@pytest.mark.parametrize(("text", "line"), [("VERSION 2\n", 1), ("VERSION 1\nID 3\n3 FLUSH x\n", 3),
                                            ("VERSION 1\n\n4 DANCE a b c d e f g h i TODO\n", 3)])
def test_a_broken_command_file_names_its_line(text: str, line: int) -> None:
    with pytest.raises(ValueError, match=f"^{line}: "):
        parse_commands(text)


CONF = 'define dumptype d {\n program "GNUTAR"\n index no\n}\ndefine interface lan {\n use 10 mbps\n}\n'


def disklist(text: str, **others: str) -> tuple[Entry, ...]:
    texts = {"amanda.conf": CONF, "disklist": text, **others}

    def read(name: str) -> str:
        if name not in texts:
            raise FileNotFoundError(2, "No such file or directory")
        return texts[name]

    conf: Conf = read_conf("amanda.conf", read)
    return read_disklist("disklist", conf, read)


def test_disks() -> None:
    found = disklist('# all\nweb1 /home d\nweb1 name /srv/data D 3 LAN # its comment\n\n'
                     'db "/two words" {\n d\n index yes\n exclude "./tmp"\n} -1 default\nincludefile "more"\n',
                     more='old /x { \n d\n}\n')
    assert [(e.host, e.disk, e.device, e.dumptype.name, e.spindle, e.interface, e.file, e.line) for e in found] == [
        ("web1", "/home", "", "d", -1, "", "disklist", 2), ("web1", "name", "/srv/data", "d", 3, "LAN", "disklist", 3),
        ("db", "/two words", "", "", -1, "", "disklist", 5), ("old", "/x", "", "", -1, "", "more", 1)]
    inline = found[2].dumptype
    assert (inline.get("program"), inline.get("index")) == ("GNUTAR", True)
    assert inline.settings["index"][0].line == 7


def test_every_fault_of_a_disklist_has_its_line() -> None:
    with pytest.raises(UsageError) as caught:
        disklist('web1 /home none\nweb1\nweb1 /a d x\nweb1 /b d 1 wan\nweb1 /c d 1 lan more\nWEB1 /d d\nweb1 /e d\nweb1 _e d\n'
                 'web1 /e d\nweb1 /f {\n bogus 3\n}\nweb1 /g\nincludefile "none"\nweb1 /h {\n d\n')
    assert (caught.value.code, caught.value.message.split("\n")[1:]) == ("CFG011", [
        "disklist:1: none is no dumptype that is defined",
        "disklist:2: the disk of web1 is missing",
        "disklist:3: x is no spindle; wanted is a whole number",
        "disklist:4: wan is no interface that is defined",
        "disklist:5: more is one word too many",
        "disklist:6: WEB1 is written web1 elsewhere",
        "disklist:8: web1:_e and web1:/e would have the same file names; it is, at disklist:7",
        "disklist:9: web1:/e is there already, at disklist:7",
        "disklist:11: bogus is no keyword of a dumptype, and no dumptype of this name is defined above",
        "disklist:13: the dumptype of web1:/g is missing",
        "disklist:14: none cannot be read: No such file or directory",
        "disklist:15: the dumptype of web1:/h has no closing '}'",
    ])


def test_crc_of_nothing_is_unknown() -> None:
    [fact] = parse_log("SUCCESS chunker h /a 20261123005205 0 00000000:0 [sec 1.3 kb 18 kps 134.2]\n").facts
    assert isinstance(fact, Chunked) and fact.server == NO_CRC
