"""Programs with Amanda's Application API under our client: how they are called, and what becomes of what they say."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.model.disk import Compression
from core.wire.features import SERVER
from core.wire.services import parse_selfcheck, parse_sendsize, selfcheck_request, sendsize_request
from core.wire.transports import Connection
from tests.support.client import STAMP, a_disk, client, dump

HEAD = """#!/bin/sh
for word in "$@"; do printf '%s\\n' "$word"; done > "{here}/called.$1"
case $1 in
support)
    echo "CONFIG YES"; echo "HOST YES"; echo "DISK YES"; echo "TIMESTAMP YES"; echo "MAX-LEVEL 9"; echo "INDEX-LINE YES"
    echo "MESSAGE-LINE YES"; echo "RECORD YES"; echo "CLIENT-ESTIMATE YES"; echo "AMFEATURES YES"; {more} ;;
"""
MORE = 'echo "MULTI-ESTIMATE YES"; echo "EXCLUDE-FILE YES"; echo "EXCLUDE-OPTIONAL YES"; echo "STATE-STREAM YES"'


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "applications").mkdir()
    (tmp_path / "disk").mkdir()
    (tmp_path / "access.toml").write_text('applications = ["am*"]\n')
    monkeypatch.setenv("TAPEROOM_CLIENT_APPLICATIONS", str(tmp_path / "applications"))
    return tmp_path


@pytest.fixture
def connection(here: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Connection]:
    with client(here, monkeypatch) as made:
        yield made


def application(here: Path, cases: str, name: str = "amtest", more: str = MORE) -> None:
    path = here / "applications" / name
    path.write_text(HEAD.format(here=here, more=more) + cases + "esac\n")
    path.chmod(0o755)


def called(here: Path, command: str) -> list[str]:
    return (here / f"called.{command}").read_text().splitlines()


def checked(connection: Connection, here: Path, program: str = "amtest", **more: object) -> list[tuple[bool, str]]:
    disk = a_disk(connection.host, here / "disk", program=program, **more)
    return parse_selfcheck(connection.request(
        "selfcheck", selfcheck_request([disk], SERVER, connection.features, "test"), 30.0))


BACKUP = """backup)
    printf 'archive of %s' "$(basename "$PWD")"
    echo '| all is normal' >&3; echo '? this is odd' >&3; echo 'unmarked' >&3
    echo 'sendbackup: size 7777' >&3; echo 'sendbackup: end' >&3; printf 'no end of line' >&3
    printf '/\\n/some file\\n' >&4; echo '0 /' >&5 ;;
"""


def test_a_dump(connection: Connection, here: Path) -> None:
    application(here, BACKUP)
    properties = (("ONE-FILE-SYSTEM", ("no",)), ("Normal_Line", ("a b", "c")))
    disk = a_disk(connection.host, here / "disk", program="amtest", properties=properties, exclude=("./x y",))
    done = dump(connection, disk, 3)
    assert done.mesg.error is None and done.data.startswith(b"archive of ")
    assert done.mesg.info["BACKUP"] == "APPLICATION" and done.mesg.info["APPLICATION"] == "amtest"
    assert done.mesg.info["RECOVER_CMD"] == f"{here}/applications/amtest restore [./file-to-restore]+"
    assert done.mesg.native == done.mesg.client == done.crc
    assert [line.strip() for line in done.mesg.normal] == ["all is normal"]
    assert [line.strip() for line in done.mesg.strange] == ["this is odd", "unmarked", "no end of line"]
    assert done.mesg.size_kib == 1, "what came, not what it says"
    assert done.index == ["/", "/some file"] and done.state == ["0 /"]
    assert called(here, "backup") == [
        "backup", "--message", "line", "--config", "test", "--timestamp", STAMP, "--host", "localhost",
        "--disk", f"{here}/disk", "--device", f"{here}/disk", "--level", "3", "--index", "line", "--state-stream", "5",
        "--record", "--amfeatures", SERVER.text, "--exclude-file", "./x y",
        "--one-file-system", "no", "--normal-line", "a b", "--normal-line", "c"]


def test_a_dump_that_is_compressed_and_has_no_index(connection: Connection, here: Path) -> None:
    application(here, BACKUP.replace(">&4", ">/dev/null").replace("echo '0 /' >&5", "true"), more="true")
    disk = a_disk(connection.host, here / "disk", program="amtest", index=False, record=False, compress=Compression.CLIENT_FAST)
    done = dump(connection, disk, 0)
    assert done.mesg.error is None and done.mesg.native != done.mesg.client == done.crc
    words = called(here, "backup")
    assert "--index" not in words and "--record" not in words and "--state-stream" not in words
    assert done.mesg.info["RECOVER_CMD"].startswith("/bin/gzip -dc |")


@pytest.mark.parametrize(("cases", "error"), [
    ("backup) echo data; echo '? broken pump' >&3; exit 3 ;;\n", "CLT039 amtest ended with exit status 3"),
    ("backup) echo data; echo 'cannot read' >&2 ;;\n", "CLT039 amtest reports a fault: cannot read"),
    ("backup) echo data; kill -9 $$ ;;\n", "CLT039 amtest was killed by signal 9"),
    ("backup) echo data; echo 'sendbackup: error [its own word]' >&3; exit 1 ;;\n", "its own word"),
])
def test_dumps_that_fail(connection: Connection, here: Path, cases: str, error: str) -> None:
    application(here, cases)
    done = dump(connection, a_disk(connection.host, here / "disk", program="amtest"), 0)
    assert done.mesg.error == error


def test_it_asks_for_another_time(connection: Connection, here: Path) -> None:
    application(here, "backup) echo 'sendbackup: retry delay 60 level 1 message \"later\"' >&3 ;;\n")
    retry = dump(connection, a_disk(connection.host, here / "disk", program="amtest"), 0).mesg.retry
    assert retry is not None and (retry.delay, retry.level, retry.message) == (60, 1, "later")


def test_estimates(connection: Connection, here: Path) -> None:
    def sizes(**more: object) -> tuple[dict[int, int], list[str]]:
        disk = a_disk(connection.host, here / "disk", program="amtest", **more)
        body = sendsize_request([(disk, (0, 1, 12))], SERVER, connection.features, "test", STAMP)
        found = parse_sendsize(connection.request("sendsize", body, 30.0))
        return {level: kib for (_, level), kib in found.sizes.items()}, found.errors.get(disk.disk, [])

    application(here, "estimate) echo '0 100 32'; echo '1 -2 -2' ;;\n")
    assert sizes() == ({0: 3200, 1: -2, 12: -2}, [])
    assert [word for word in called(here, "estimate") if word.isdigit() and len(word) < 3] == ["0", "1"]
    application(here, "estimate) echo \"$*\" | grep -q 'level 1' && echo '1 5 1' || echo '0 7 2' ;;\n", more="true")
    assert sizes() == ({0: 14, 1: 5, 12: -2}, []), "one call for each level"
    assert sizes(estimate=("calcsize",)) == ({0: -1, 1: -1, 12: -1}, []), "it says that it cannot"
    for cases, said in (("echo 'ERROR no such thing'", "CLT039 amtest estimate: no such thing"),
                        ("echo oops >&2; exit 1", "CLT039 amtest estimate: oops"),
                        ("exit 4", "CLT039 amtest estimate: exit status 4")):
        application(here, f"estimate) {cases} ;;\n")
        assert sizes() == ({}, [said])


def test_checks(connection: Connection, here: Path) -> None:
    application(here, "selfcheck) echo 'OK amtest version 1'; echo 'ERROR [no pump]'; echo 'what is this' ;;\n")
    found = checked(connection, here)
    assert (True, "amtest version 1") in found
    assert [text for well, text in found if not well] == ["CLT039 amtest: no pump", "CLT039 amtest: what is this"]
    json = """MESSAGE JSON
  {
    "severity" : "info",
    "message" : "amtest version 2"
  },
  {
    "severity" : "error",
    "message" : "no valve: \\"a b\\""
  }
"""
    application(here, f"selfcheck) cat <<'END'\n{json}END\n;;\n")
    found = checked(connection, here)
    assert (True, "amtest version 2") in found
    assert [text for well, text in found if not well] == ['CLT039 amtest: no valve: "a b"']
    application(here, "selfcheck) echo 'MESSAGE JSON'; echo '{ nonsense' ;;\n")
    assert (False, "CLT039 amtest: its selfcheck cannot be read") in checked(connection, here)
    application(here, "selfcheck) exit 5 ;;\n")
    assert (False, "CLT039 amtest selfcheck: exit status 5") in checked(connection, here)
    application(here, "", more="echo hm >&2")
    assert (False, "CLT039 amtest support: hm") in checked(connection, here)


@pytest.mark.parametrize(("program", "said"), [
    ("amnone", "CLT024 there is no application 'amnone' in {here}/applications of this client"),
    ("amdirectory", "CLT024 there is no application 'amdirectory' in {here}/applications of this client"),
    ("other", "CLT026 other: the client's access file does not permit this application"),
    ("am/../../x", "CLT024 there is no application 'am/../../x' in {here}/applications of this client"),
])
def test_applications_that_are_not_run(connection: Connection, here: Path, program: str, said: str) -> None:
    application(here, "", name="other")
    (here / "applications/amdirectory").mkdir()
    (here / "x").write_text("#!/bin/sh\n")
    (here / "x").chmod(0o755)
    assert (False, said.format(here=here)) in checked(connection, here, program)
    assert not list(here.glob("called.*"))


def test_what_an_application_cannot_be_told(connection: Connection, here: Path) -> None:
    application(here, BACKUP, more="true")
    assert (False, "CLT028 this application knows no exclude file") in checked(connection, here, exclude=("./a",))
    odd = (("-x y", ("1",)),)
    assert (False, "CLT025 '-x y' is no name of a property") in checked(connection, here, properties=odd)
    assert not os.path.exists(here / "called.selfcheck")
