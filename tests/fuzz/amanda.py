"""Amanda's files, from a site that is taken over: configuration, disklist, logs, curinfo records, command_file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from core.amanda.commands import parse_commands
from core.amanda.conf import read_conf
from core.amanda.curinfo import history_of, parse_info
from core.amanda.disklist import read_disklist
from core.amanda.lists import patterns_of, properties_of
from core.amanda.tracelog import parse_log
from core.errors import UsageError
from core.migration.labels import pattern_of, pattern_of_template, template_of
from tests.fuzz.mutate import inputs

GOLDEN = Path(__file__).parents[1] / "golden" / "amanda-3.5.1"
CONF = b'define dumptype d {\n program "GNUTAR"\n}\ndefine interface lan {\n use 10 mbps\n}\n'


def text_of(data: bytes) -> str:
    """As the reader of files gives it."""
    return data.decode("utf-8", "surrogateescape")


def run_conf(data: bytes) -> None:
    try:
        conf = read_conf("amanda.conf", lambda name: text_of(data))
    except UsageError as fault:
        assert fault.code == "CFG011"
        return
    for block in conf.blocks["dumptype"].values():
        patterns_of(block, "exclude"), properties_of(block)


def run_disklist(data: bytes) -> None:
    conf = read_conf("amanda.conf", lambda name: text_of(CONF))
    try:
        read_disklist("disklist", conf, lambda name: text_of(data))
    except UsageError as fault:
        assert fault.code == "CFG011"


def run_log(data: bytes) -> None:
    text = text_of(data)
    assert all(0 < number <= text.count("\n") + 1 for number, _ in parse_log(text).faults)


def value_error(run: Callable[[str], object]) -> Callable[[bytes], None]:
    """``run``, which may raise ValueError."""
    def once(data: bytes) -> None:
        try:
            run(text_of(data))
        except ValueError:
            pass

    return once


def labels(text: str) -> None:
    pattern_of_template(text, "o", "c", "r")
    template_of(text, "o", "c", "r")
    pattern_of(text)


LOGS = [log.read_bytes() for log in sorted((GOLDEN / "state").rglob("log.2*"))]
INFOS = [info.read_bytes() for info in sorted((GOLDEN / "state/curinfo").rglob("info"))]
TARGETS = {
    "amanda.conf": (run_conf, inputs([(GOLDEN / "conf/amanda.conf").read_bytes()])),
    "amanda disklist": (run_disklist, inputs([b'h /a d\nh n "/a b" d 1 lan\nh /c {\n d\n index no\n} 2\nincludefile "x"\n'])),
    "amanda log": (run_log, inputs(LOGS)),
    "amanda curinfo": (value_error(lambda text: history_of(parse_info(text))), inputs(INFOS)),
    "amanda commands": (value_error(parse_commands), inputs([
        b'VERSION 1\nID 3\n1 FLUSH c "/h/x y" h /a 20261123005222 0 m WORKING:0 TODO\n'
        b'2 COPY c s p L 3 " ;L" 1795395134 h /a 20261123005222 1 v WORKING:0 TODO\n'])),
    "amanda labels": (value_error(labels), inputs([rb"^DAILY-[[:digit:]]{3}$", b"$c-%%%", b"$3s-!!!\\%"])),
}
