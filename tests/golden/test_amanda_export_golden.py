"""Our trace logs and curinfo records against those that a real Amanda 3.5.1 wrote of the same nights."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from core.amanda.infotext import InfoDump, info_text
from core.amanda.logtext import LoggedDump, LoggedPart, LoggedVolume, log_text
from core.model.dump import Crc
from core.model.quoting import quote

GOLDEN = Path(__file__).parent / "amanda-3.5.1"
PART = re.compile(r'PART taper "ST:(\S+)" "POOL:(\S+)" (\S+) (\d+) (\S+) (\S+) (\d+) \d+/-1 (\d+) \[sec \S+ bytes (\d+) kps .*')
DONE = re.compile(r'DONE taper "ST:(\S+)" "POOL:(\S+)" (\S+) (\S+) (\d+) \d+ (\d+) (\S+) (\S+) (\S+) \[.* orig-kb (\d+)\]')
START = re.compile(r'START taper datestamp \d+ "ST:(\S+)" "POOL:(\S+)" label (\S+) tape \d+')
FIGURES = re.compile(r"sec [0-9.]+|kps [0-9.]+|time [0-9.]+|pid(-done)? \d+")


def told(log: list[str]) -> tuple[list[LoggedVolume], list[LoggedDump]]:
    """What the log tells of volumes and dumps."""
    volumes, dumps, parts = [], [], []
    for line in log:
        if found := START.fullmatch(line):
            volumes.append(LoggedVolume(*found.groups()))
        elif found := PART.fullmatch(line):
            parts.append(LoggedPart(found[3], int(found[4]), int(found[9])))
        elif found := DONE.fullmatch(line):
            storage, pool, host, disk, stamp, level, native, client, server, orig = found.groups()
            dumps.append(LoggedDump(storage, pool, host, disk, stamp, int(level), tuple(parts), Crc.parse(native),
                                    Crc.parse(client), Crc.parse(server), int(orig), 0.1, 0.1))
            parts = []
    return volumes, dumps


@pytest.mark.parametrize("name", ["log/log.20261123005205.0", "log/log.20261123005214.0", "log/log.20261123005243.0",
                                  "log-split/log.20261123012231.0", "log-daily-6dle/log.20261123003419.0"])
def test_the_lines_that_amandas_finders_read_are_amandas_own(name: str) -> None:
    theirs = (GOLDEN / name).read_text().splitlines()
    stamp = next(line.split()[3] for line in theirs if line.startswith("START taper datestamp"))
    ours = log_text(stamp, *told(theirs)).splitlines()

    def lines(log: list[str]) -> list[str]:
        kinds = ("START taper", "PART ", "DONE ", "INFO taper tape ", "START driver")
        return [FIGURES.sub("", line) for line in log if line.startswith(kinds)]

    assert lines(ours) == lines(theirs) and len(lines(ours)) > 4

    # What else we say of dumps, Amanda says in the same words.
    said = {FIGURES.sub("", line) for line in theirs}
    own = [line for line in ours if line.startswith(("DISK", "START planner"))]
    assert {FIGURES.sub("", line) for line in own} <= said | {f"START planner date {stamp}"}


def test_a_name_with_blanks_and_a_volume_without_a_dump() -> None:
    crc = Crc(1, 5)
    dump = LoggedDump("s", "p", "web1", 'my "disk"', "20261101010101", 0, (LoggedPart("A-2", 1, 5),), crc, crc, crc, 1)
    text = log_text("20261101010101", [LoggedVolume("s", "p", "A-1"), LoggedVolume("s", "p", "A-2")], [dump])
    lines = text.splitlines()
    assert f"DISK planner web1 {quote(dump.disk)}" in lines
    kinds = [line.split(" [")[0] for line in lines if " taper " in line]
    assert kinds == [
        'START taper datestamp 20261101010101 "ST:s" "POOL:p" label A-1 tape 1',
        "INFO taper tape A-1 kb 0 fm 0",
        'START taper datestamp 20261101010101 "ST:s" "POOL:p" label A-2 tape 2',
        'PART taper "ST:s" "POOL:p" A-2 1 web1 "my \\"disk\\"" 20261101010101 1/-1 0',
        'DONE taper "ST:s" "POOL:p" web1 "my \\"disk\\"" 20261101010101 1 0 00000001:5 00000001:5 00000001:5',
        "INFO taper tape A-2 kb 0 fm 1",
    ]


def read_info(text: str) -> tuple[list[InfoDump], list[InfoDump], int, int]:
    """What a record of Amanda's says, but for its averages, which follow from the rest."""
    levels, recent, last, consecutive = [], [], -1, 0
    for line in text.splitlines():
        match line.split():
            case ["stats:", level, size, csize, seconds, date, fileno, label]:
                levels.append(InfoDump(int(level), int(size), int(csize), int(seconds), int(date), label, int(fileno)))
            case ["history:", level, size, csize, date, seconds]:
                recent.append(InfoDump(int(level), int(size), int(csize), int(seconds), int(date)))
            case ["last_level:", level, number]:
                last, consecutive = int(level), int(number)
    return levels, recent, last, consecutive


@pytest.mark.parametrize("host", ["localhost/_srv_amdata_alpha", "clienta/_srv_amdata_beta", "clientb/_srv_amdata_epsilon"])
def test_a_record_of_curinfo_is_amandas_own(host: str) -> None:
    theirs = (GOLDEN / "curinfo" / host / "info").read_text()
    assert info_text(*read_info(theirs)) == theirs
