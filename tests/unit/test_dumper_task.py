"""Orders and what the configuration adds to them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from core.dumper.task import ToFile, ToPort, task_of
from core.errors import UsageError
from core.model.disk import Compression, Disk, Dumptype, Host
from core.model.site import RunSettings, Site
from core.model.units import Handle, Kib, datestamp_of
from core.protocol.dumper import FileDump, PortDump

DISK = Disk(Host("web1", data_timeout=7.0), "/home", Dumptype(exclude=("./a",), max_warnings=5))
SITE = Site(Path("/etc/t.toml"), "daily", Path("/state"), RunSettings(), (), {}, {}, (DISK,))
ORDER = FileDump(Handle("00-00001"), "/spool/20260102/x", "web1", "/home", 2, "1970:1:1:0:0:0", Kib(64), "GNUTAR", "|;")


def test_a_bare_order_takes_all_from_the_configuration() -> None:
    task = task_of(ORDER, SITE, 0.0)
    assert task.disk == DISK
    assert (task.level, task.datestamp, task.expected_kib) == (2, "20260102", 0)
    assert task.target == ToFile(Path("/spool/20260102/x"), 64, None)
    assert task.compress is Compression.CLIENT_FAST


def test_options_come_first() -> None:
    options = ("|;use=320;datestamp=20260102030405;orig=77;estimate=88;"
               "auth=local;compress=server fast;compress-program=/bin/x;index=no;"
               "record=no;max-warnings=0;data-timeout=1.5;connect-timeout=2;exclude=./b;exclude=./c;include=./d;"
               "exclude-list=/e;include-list=/f;encrypt=none;features=ff;odd;")
    task = task_of(replace(ORDER, options=options, program="star"), SITE, 0.0)
    kind = task.disk.dumptype
    assert (task.datestamp, task.expected_kib, task.target) == (
        "20260102030405", 88, ToFile(Path("/spool/20260102/x"), 64, 320))
    assert (kind.auth, kind.compress, kind.compress_program, kind.index, kind.record, kind.max_warnings, kind.program) == (
        "local", Compression.SERVER_FAST, "/bin/x", False, False, 0, "star")
    assert (kind.exclude, kind.include, kind.exclude_list, kind.include_list) == (("./b", "./c"), ("./d",), ("/e",), ("/f",))
    assert (task.disk.host.data_timeout, task.disk.host.connect_timeout) == (1.5, 2.0)
    assert task_of(replace(ORDER, options="|;index;record=yes;"), SITE, 0.0).disk.dumptype.index


def test_what_is_expected_is_what_will_be_stored() -> None:
    def expected(options: str) -> int:
        return task_of(replace(ORDER, options=options), SITE, 0.0).expected_kib

    assert expected("|;orig=77;") == 0  # the client compresses
    assert expected("|;orig=77;compress=none;") == 77
    assert expected("|;orig=77;compress=none;estimate=88;") == 88


def test_a_dump_without_a_date_gets_now() -> None:
    assert task_of(replace(ORDER, filename="/tmp/x"), SITE, 86400.0).datestamp == datestamp_of(86400.0)
    port = PortDump(Handle("00-00001"), 4000, "web1", "/home", 0, "1970:1:1:0:0:0", "GNUTAR", "|;")
    task = task_of(port, SITE, 86400.0)
    assert (task.target, task.datestamp) == (ToPort(4000), datestamp_of(86400.0))


@pytest.mark.parametrize(("changes", "message"), [
    ({"host": "web9"}, "DMP001 web9:/home is not in /etc/t.toml"),
    ({"level": -1}, "DMP002 web1:/home: level -1 is none of 0 to 399"),
    ({"options": "x"}, "DMP002 web1:/home: options 'x' do not begin with '|'"),
    ({"options": "|;use=-3;"}, "DMP002 option use='-3' is no number"),
    ({"options": "|;orig=9999999999999999999999;"}, "DMP002 option orig='9999999999999999999999' is no number"),
    ({"options": "|;connect-timeout=0;"}, "DMP002 option connect-timeout='0' is no time in seconds"),
    ({"options": "|;data-timeout=nan;"}, "DMP002 option data-timeout='nan' is no time in seconds"),
    ({"options": "|;record=2;"}, "DMP002 option record='2' is neither yes nor no"),
    ({"options": "|;datestamp=../../x;"}, "DMP002 web1:/home: datestamp '../../x' is not YYYYMMDDhhmmss"),
    ({"options": "|;max-warnings=x;"}, "DMP002 option max-warnings='x' is no number"),
])
def test_what_makes_no_sense(changes: dict[str, object], message: str) -> None:
    with pytest.raises(UsageError) as caught:
        task_of(replace(ORDER, **changes), SITE, 0.0)  # type: ignore[arg-type]
    assert str(caught.value) == message
