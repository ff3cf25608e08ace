"""A client that the server brings itself: through a real sshd to a host with nothing but Python, an empty environment and a
PATH of two names."""

from __future__ import annotations

import os
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from clientd import arrival
from core.errors import PeerError
from core.model.disk import Host
from core.model.dump import Crc
from core.wire.features import CONFIRMING, SERVER
from core.wire.services import parse_selfcheck, selfcheck_request, sendbackup_request
from core.wire.transports import connect
from core.wire.transports.agent import agent, made
from core.wire.transports.push import remote
from tests.support.bare import Bare, a_python, bare_host
from tests.support.client import STAMP, a_disk, dump, receive, sizes
from tests.support.sshd import NEEDS_SSHD

pytestmark = NEEDS_SSHD


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bare]:
    with bare_host(tmp_path_factory.mktemp("bare")) as host:
        yield host


@pytest.fixture(autouse=True)
def nothing_is_kept_of_the_server(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TAPEROOM_CACHE", str(tmp_path_factory.getbasetemp() / "server-cache"))


@pytest.fixture
def bare(running: Bare) -> Bare:
    running.reset()
    return running


def tree(tmp_path: Path) -> Path:
    top = tmp_path / "data"
    top.mkdir()
    (top / "noise").write_bytes(os.urandom(3_000_000))
    (top / "letter").write_text("dear reader\n")
    return top


def fault(host: Host) -> PeerError:
    with pytest.raises(PeerError) as caught:
        connect(host, "ssh")
    return caught.value


def test_a_host_with_python_alone_is_dumped(bare: Bare, tmp_path: Path) -> None:
    top = tree(tmp_path)
    disk = a_disk(bare.host, top, auth="ssh")
    connection = connect(bare.host, "ssh")
    assert connection.keeps() and bare.copies() == [f"taperoom-clientd-{agent().checksum}.pyz"]
    said = parse_selfcheck(connection.request("selfcheck", selfcheck_request([disk], SERVER, connection.features, "t"), 30.0))
    assert said and all(good for good, _ in said), said
    assert sizes(connection, [(disk, (0,))])[disk.disk, 0] > 2900
    full = dump(connection, disk, 0, CONFIRMING, confirm=True)
    assert full.mesg.error is None and full.mesg.client in (Crc(0, 0), full.crc)
    (top / "more").write_text("more\n")
    connection.close()
    # The state stays where the client keeps its own, so the next connection dumps what is new.
    connection = connect(bare.host, "ssh")
    assert sizes(connection, [(disk, (1,))])[disk.disk, 1] < 200
    more = dump(connection, disk, 1, CONFIRMING, confirm=True)
    assert "/more" in more.index and len(more.data) < 200_000
    connection.close()
    assert len(os.listdir(bare.home / "state/gnutar-lists")) == 2


def test_it_is_brought_only_when_it_is_not_there(bare: Bare) -> None:
    copy = bare.cache / f"taperoom-clientd-{agent().checksum}.pyz"
    bare.cache.mkdir(mode=0o700)
    old, part = bare.cache / "taperoom-clientd-0ld.pyz", bare.cache / "taperoom-clientd-x.pyz.1234.new"
    for path, age in ((old, arrival.UNUSED), (part, arrival.CUT_OFF)):
        path.write_text("")
        os.utime(path, (0, time.time() - age - 60))
    other = bare.cache / "taperoom-clientd-another.pyz"  # of another server, not long ago
    other.write_text("")
    connect(bare.host, "ssh").close()
    assert bare.copies() == sorted([copy.name, other.name])
    first = copy.stat()
    connect(bare.host, "ssh").close()
    assert copy.stat().st_ino == first.st_ino
    copy.write_bytes(copy.read_bytes()[:-1] + b"x")
    connect(bare.host, "ssh").close()
    assert copy.read_bytes() == agent().data and copy.stat().st_ino != first.st_ino


def test_once_leaves_nothing(bare: Bare, tmp_path: Path) -> None:
    disk = a_disk(bare.host, tree(tmp_path), auth="ssh")
    connection = connect(bare.once(), "ssh")
    said = parse_selfcheck(connection.request("selfcheck", selfcheck_request([disk], SERVER, connection.features, "t"), 30.0))
    assert all(good for good, _ in said) and any("nothing is kept for incrementals" in text for _, text in said), said
    for level in (0, 1):  # who asks for an incremental gets everything: there is nothing to compare with
        assert sizes(connection, [(disk, (level,))])[disk.disk, level] > 2900
        done = dump(connection, disk, level, CONFIRMING, confirm=True)
        assert done.mesg.error is None and len(done.data) > 3_000_000
    assert bare.left() == []
    connection.close()
    assert bare.left() == []


def test_once_leaves_nothing_when_it_is_killed(bare: Bare, tmp_path: Path) -> None:
    top = tree(tmp_path)
    (top / "more").write_bytes(os.urandom(20_000_000))
    disk = a_disk(bare.host, top, auth="ssh")
    connection = connect(bare.once(), "ssh")
    body = sendbackup_request(disk, 0, CONFIRMING, connection.features, "test", STAMP)
    connection.backup(body, 30.0)
    receive(connection, lambda handle, piece: None)  # it is under way
    mine = [int(entry) for entry in os.listdir("/proc") if entry.isdigit() and is_of(int(entry), bare)]
    assert mine
    for process in mine:
        with suppress(ProcessLookupError):  # one that died of the other's death
            os.kill(process, signal.SIGKILL)
    with pytest.raises(PeerError) as caught:
        while True:
            receive(connection, lambda handle, piece: None)
    assert caught.value.code == "CLT001"
    connection.close()
    assert bare.left() == []


def is_of(process: int, bare: Bare) -> bool:
    """Whether it runs in the environment that this host gives."""
    try:
        return f"HOME={bare.home}\0" in Path(f"/proc/{process}/environ").read_text()
    except OSError:
        return False


def test_a_copy_that_was_cut_off_is_not_there(bare: Bare, tmp_path: Path) -> None:
    """Killed at the worst moment: when nearly all has come."""
    client = agent()
    command = [a_python(), "-I", "-c", client.arrival, client.checksum, str(len(client.packed)), "keep"]
    environment = {"HOME": str(bare.home), "TAPEROOM_CLIENT_CACHE": str(bare.cache)}
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment) as process:
        assert process.stdin is not None and process.stdout is not None
        assert process.stdout.readline() == b"taperoom-push: send\n"
        process.stdin.write(client.packed[:-1])
        process.stdin.flush()
        process.kill()
        process.wait()
    assert bare.copies() == []
    with pytest.raises(OSError, match="No such"):
        arrival.put(str(tmp_path / "nowhere/copy"), b"data")
    assert arrival.cache_directory({"XDG_CACHE_HOME": "/x"}, False) == "/x/taperoom-client"
    assert arrival.cache_directory({}, True) == "/var/cache/taperoom-client"


@pytest.mark.parametrize(("python", "code", "text"), [
    ("", "CLT060", "there is no Python on localhost"),
    ('[ "$1" = -V ] && echo "Python 3.9.2"; exit 1', "CLT061",
     "localhost has Python 3.9.2, and the client needs Python 3.11 or newer"),
])
def test_a_python_that_will_not_do(bare: Bare, python: str, code: str, text: str) -> None:
    bare.python(python)
    told = fault(bare.host)
    assert (told.code, told.message, told.try_later) == (code, text, False)


@pytest.mark.slow
def test_a_newer_python_beside_an_old_one_is_found(bare: Bare) -> None:
    bare.python('[ "$1" = -V ] && echo "Python 3.9.2"; exit 1')
    newer = bare.here / "bin/python3.12"
    newer.symlink_to(a_python())
    try:
        connect(bare.host, "ssh").close()
    finally:
        newer.unlink()
    assert len(bare.copies()) == 1


def test_no_permission(bare: Bare) -> None:
    bare.say(TAPEROOM_CLIENT_CACHE="/sys/taperoom")
    told = fault(bare.host)
    assert (told.code, told.try_later) == ("CLT063", False)
    assert told.message.startswith("the client may not be put onto localhost: /sys/taperoom: "), told.message
    bare.say(TAPEROOM_CLIENT_CACHE=bare.home / "file/below")
    (bare.home / "file").write_text("")
    told = fault(bare.host)
    assert told.code == "CLT063" and "Not a directory" in told.message


def test_a_place_that_others_may_write_to(bare: Bare) -> None:
    bare.cache.mkdir()
    bare.cache.chmod(0o777)
    told = fault(bare.host)
    assert (told.code, told.try_later) == ("CLT063", False)
    assert "others may write there" in told.message and bare.copies() == []


def test_no_room(bare: Bare) -> None:
    bare.cache.mkdir(mode=0o700)
    command = ["mount", "-t", "tmpfs", "-o", "size=64k,mode=700", "tmpfs", str(bare.cache)]
    if subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("NOT TESTED: no room for a client that is brought: no right to mount a small file system")
    try:
        told = fault(bare.host)
        assert (told.code, told.try_later) == ("CLT062", True)
        assert told.message.startswith(f"there is no room for the client on localhost: {bare.cache}/"), told.message
        assert bare.copies() == []
        connect(bare.once(), "ssh").close()
    finally:
        subprocess.run(["umount", str(bare.cache)], check=True)


@pytest.mark.slow
def test_no_tar(bare: Bare, tmp_path: Path) -> None:
    bare.say(TAPEROOM_CLIENT_CACHE=bare.cache, TAPEROOM_CLIENT_STATE=bare.home / "state", TAPEROOM_CLIENT_TAR="/no/tar")
    connection = connect(bare.host, "ssh")
    disk = a_disk(bare.host, tree(tmp_path), auth="ssh")
    said = parse_selfcheck(connection.request("selfcheck", selfcheck_request([disk], SERVER, connection.features, "t"), 30.0))
    connection.close()
    assert [text.partition(" ")[0] for good, text in said if not good] == ["CLT023"], said


@pytest.mark.slow
def test_a_copy_that_arrives_damaged(bare: Bare) -> None:
    bare.before('head -c 5000 | "$@"')
    told = fault(bare.host)
    assert (told.code, told.try_later) == ("CLT064", True)
    assert f"5000 of {len(agent().packed)} bytes" in told.message and bare.copies() == []
    between = "import os\nwhile data := os.read(0, 65536): os.write(1, data.replace(b'a', b'b'))"
    bare.before(f'{a_python()} -c "{between}" | "$@"')
    told = fault(bare.host)
    assert told.code == "CLT064" and bare.copies() == []


def test_a_login_that_talks(bare: Bare) -> None:
    # Both lines in one piece, as they also come from a machine that is busy.
    bare.before('printf "\\nWelcome to this fine machine\\nand have fun\\n"; "$@"')
    told = fault(bare.host)
    assert (told.code, told.message) == ("CLT003", 'localhost talks nonsense: it says "Welcome to this fine machine"')


@pytest.mark.slow
def test_a_client_that_is_silent(bare: Bare) -> None:
    from dataclasses import replace

    bare.before("cat >/dev/null")
    told = fault(replace(bare.host, connect_timeout=1.0))
    assert (told.code, told.message) == ("CLT002", "localhost did not take the client within 1 s")


@pytest.mark.parametrize("manner", ["keep", "once", "$(reboot)'; x"])
def test_what_the_remote_shell_reads_is_ours_alone(manner: str) -> None:
    said = remote(agent(), manner)
    words = shlex.split(said)
    assert words[:2] == ["sh", "-c"] and words[3] == "sh" and len(words) == 8
    assert words[5:] == [agent().checksum, str(len(agent().packed)), "once" if manner == "once" else "keep"]
    # Shells that are not sh have to take it, too: one line, no quote in a quote, nothing of csh's history.
    assert "\n" not in said and "!" not in said and "\\" not in said and not any("'" in word for word in words)
    assert len(said) < 8000


@pytest.mark.parametrize("shell", ["sh", "bash", "dash", "tcsh", "csh", "fish", "zsh", "ksh", "busybox sh"])
def test_every_login_shell_hands_it_over(shell: str, tmp_path: Path) -> None:
    command = shell.split()
    if shutil.which(command[0]) is None:
        pytest.skip(f"NOT TESTED: a login with {command[0]}: it is not installed")
    client = agent()
    done = subprocess.run([*command, "-c", remote(client, "once")], input=client.packed, capture_output=True, check=False,
                          env={"PATH": "/usr/bin:/bin", "HOME": str(tmp_path)}, timeout=60)
    assert (done.returncode, done.stdout) == (0, b"taperoom-push: send\ntaperoom-push: ready\n"), done
    assert not list(tmp_path.rglob("*taperoom*"))


def test_a_server_without_the_packages_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    import importlib.util

    made.cache_clear()
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    try:
        told = fault(Host("web1", push="keep"))
    finally:
        made.cache_clear()
    assert (told.code, told.message) == ("CLT065", "the package clientd is not installed on this server")


def test_the_arrival_needs_only_python() -> None:
    done = subprocess.run([a_python(), "-I", "-S", "-c", agent().arrival, "0" * 64, "5", "once"], input=b"short",
                          capture_output=True, env={}, check=False)
    assert done.returncode == 3 and done.stderr.startswith(b"taperoom-push: damaged ")
    assert done.stdout == b"taperoom-push: send\n" + done.stderr
    assert sys.version_info >= (3, 11)
