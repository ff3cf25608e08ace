"""What a server may not do to a client: amandad refuses it before anything is started, and nothing that is said to it
makes it grow or wait without end."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from clientd import amandad
from clientd.access import LOCAL, Access, read_access, server_of
from clientd.amandad import Daemon
from clientd.confine import possible
from clientd.programs.contract import Task
from clientd.programs.gnutar import GnuTar
from clientd.selection import select
from clientd.settings import Settings
from core.errors import PeerError, WorldError
from core.model.disk import Compression
from core.wire import exchange
from core.wire.dle_xml import Choice, Dle
from core.wire.features import SERVER, STOCK
from core.wire.frames import HEADER
from core.wire.packets import Kind, Packet, encode
from core.wire.services import noop_request, parse_selfcheck, selfcheck_request
from core.wire.transports import Connection
from tests.support.client import a_disk, client, dump, sizes

WAIT = 30.0
Ask = Callable[[Connection, Path], object]


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A client whose tar leaves a mark when it is run, with permitted and forbidden directories."""
    for name in ("ok", "secret", "okay/inner"):
        (tmp_path / name).mkdir(parents=True)
        (tmp_path / name / "file").write_text(name)
    (tmp_path / "ok/link").symlink_to(tmp_path / "secret")
    (tmp_path / "ok/loop").symlink_to(tmp_path / "ok/loop")
    (tmp_path / "secret/list").write_text("root:password\n")
    tar = tmp_path / "tar"
    tar.write_text(f"#!/bin/sh\ntouch {tmp_path}/started\nexec /bin/tar \"$@\"\n")
    tar.chmod(0o755)
    zipper = tmp_path / "zip"
    zipper.write_text(f"#!/bin/sh\ntouch {tmp_path}/started\nexec gzip \"$@\"\n")
    zipper.chmod(0o755)
    monkeypatch.setenv("TAPEROOM_CLIENT_TAR", str(tar))
    return tmp_path


def asks(place: Path) -> Iterator[tuple[str, Ask]]:
    """Everything that the access file below forbids."""
    for path in (place / "secret", place / "ok/link", f"{place}/ok/../secret", f"{place}/ok/link/.", "/", "/dev/null", "/etc",
                 f"{place}/ok/loop", "//etc", f"{place}/ok\n/../../etc"):
        yield "CLT026|CLT02[0-2]", lambda c, p, path=path: dump(c, a_disk(c.host, path), 0)  # type: ignore[misc]
        yield "CLT026|CLT02[0-2]", lambda c, p, path=path: sizes(c, [(a_disk(c.host, path), (0,))])  # type: ignore[misc]
    yield "CLT026", lambda c, p: dump(c, a_disk(c.host, p / "ok", program="amstar"), 0)
    yield "CLT026", lambda c, p: dump(
        c, a_disk(c.host, p / "ok", compress=Compression.CLIENT_CUSTOM, compress_program=str(p / "zip")), 0)
    for name in (f"{place}/secret/list", "link/list", "../secret/list", "/etc/passwd"):
        for kind in ("exclude_list", "include_list"):
            yield "CLT026", lambda c, p, more={kind: (name,)}: dump(c, a_disk(c.host, p / "ok", **more), 0)  # type: ignore[misc]
    for names in (("./link/list",), ("./file", "./link/*"), ("./link/li[s]t",)):
        yield "CLT026", lambda c, p, names=names: dump(c, a_disk(c.host, p / "ok", include=names), 0)  # type: ignore[misc]
        yield "CLT026", lambda c, p, names=names: sizes(c, [(a_disk(c.host, p / "ok", include=names), (0,))])  # type: ignore[misc]
    yield "CLT004 .*invalid service", lambda c, p: c.request("selfcheck", "SERVICE selfcheck\nOPTIONS ;\n", WAIT)
    for name in ("restore", "sh", "..", "noop/../sendbackup", "SENDBACKUP"):
        yield "CLT004", lambda c, p, name=name: c.request("x", f"SERVICE {name}\nOPTIONS ;\n", WAIT)  # type: ignore[misc]


def test_what_is_not_permitted_starts_nothing(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (place / "access.toml").write_text(
        f'services = ["sendbackup", "sendsize"]\ndisks = ["{place}/ok*"]\nprograms = ["GNUTAR"]\nfilters = ["/bin/zstd"]\n')
    with client(place, monkeypatch) as connection:
        for number, (code, ask) in enumerate(asks(place)):
            with pytest.raises((PeerError, AssertionError), match=code):
                ask(connection, place)
            assert not (place / "started").exists(), number
            assert not list((place / "client-state").rglob("*_0*")), "nothing was remembered"
        found = dump(connection, a_disk(connection.host, place / "okay/inner"), 0)
        assert b"inner" in found.data and (place / "started").exists()
        (place / "ok/names").write_text("./file\n")
        assert dump(connection, a_disk(connection.host, place / "ok", include_list=("names",)), 0).mesg.error is None


def test_a_server_that_is_not_permitted_gets_nothing(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (place / "access.toml").write_text('servers = ["192.0.2.0/24", "2001:db8::/32"]\n')
    with pytest.raises(PeerError, match=r"CLT004 .*CLT026 the client's access file does not permit the server local"), \
            client(place, monkeypatch):
        pass
    for address, permitted in (("192.0.2.9", True), ("192.0.3.9", False), ("2001:db8::7", True), ("::ffff:192.0.2.1", True),
                               ("2001:db9::7", False)):
        monkeypatch.setenv("SSH_CONNECTION", f"{address} 40000 192.0.2.1 22")
        if permitted:
            with client(place, monkeypatch) as connection:
                assert dump(connection, a_disk(connection.host, place / "ok"), 0).data
        else:
            with pytest.raises(PeerError, match=f"does not permit the server {address}"), client(place, monkeypatch):
                pass
    assert server_of({}) == LOCAL == server_of({"SSH_CONNECTION": " "})
    assert Access().server("anything") and Access(servers=("local",)).server("local")
    assert not Access(servers=("192.0.2.1",)).server("local") and not Access(servers=()).server("192.0.2.1")


@pytest.mark.parametrize("text", ['servers = ["example.org"]', 'servers = ["10.0.0.0/99"]', "programs = 7", 'lists = [["x"]]',
                                  'disk = ["*"]', "lists = " + "[" * 5000, "lists = [" + "9" * 5000 + "]"])
def test_an_access_file_with_a_mistake_permits_nothing(tmp_path: Path, text: str) -> None:
    (tmp_path / "access.toml").write_text(text)
    with pytest.raises(WorldError, match="CLT026"):
        read_access(tmp_path / "access.toml")


def _task(place: Path, device: Path, access: Access = Access()) -> Task:  # noqa: B008 - a frozen value
    settings = Settings(place / "state", "/bin/tar", place / "access.toml")
    return Task(Dle("GNUTAR", str(device), str(device), (0,)), "web1", settings, access)


def test_a_link_that_is_swapped_after_it_was_judged(place: Path) -> None:
    name, access = place / "ok/disk", Access(disks=(f"{place}/ok*",))
    name.symlink_to(place / "okay/inner")
    access.check_disk(str(name))
    name.unlink()
    name.symlink_to(place / "secret")
    with pytest.raises(WorldError, match=f"CLT026 {name} is {place}/secret, which the client's access file does not permit"):
        GnuTar().prepare(_task(place, name, access), 0)
    assert not list((place / "state").rglob("*.new"))
    name.unlink()
    name.symlink_to(place / "okay/inner")
    prepared = GnuTar().prepare(_task(place, name, access), 0)
    name.unlink()
    name.symlink_to(place / "secret")
    with prepared.start() as tar:
        data, _ = tar.communicate()
    prepared.discard()
    assert tar.returncode == 0 and b"inner" in data and b"password" not in data, "what was judged is what is dumped"


confined = pytest.mark.skipif(
    not possible(), reason="NOT TESTED: that links are not followed in mid-dump needs root and Linux 5.14")


@confined
@pytest.mark.parametrize(
    ("level", "include"), [(0, ()), (1, ()), (0, ("./d/e/file",))], ids=["full", "incremental", "an include"])
def test_a_directory_that_becomes_a_link_while_tar_writes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, level: int, include: tuple[str, ...],
) -> None:
    """tar itself says when: it has looked at all directories, or in a full dump at the top, and written the first records;
    ``d/e`` is still to come."""
    secret, top, tar = tmp_path / "secret", tmp_path / "disk", tmp_path / "tar"
    with client(tmp_path, monkeypatch) as connection:
        top.mkdir()
        disk = a_disk(connection.host, top, include=("./big", *include) if include else ())
        for at in range(level):
            dump(connection, disk, at, confirm=True)
        for base, text in ((secret, "FORBIDDEN FRUIT"), (top, "harmless")):
            (base / "d/e").mkdir(parents=True)
            (base / "d/e/file").write_text(text * 50)
        (top / "big").write_bytes(bytes(range(256)) * 2000)
    swap = f"[ -L {top}/d ] || {{ mv {top}/d {tmp_path}/aside; ln -s {secret}/d {top}/d; }}"
    tar.write_text(f"#!/bin/sh\nexec /bin/tar --checkpoint=1 \"--checkpoint-action=exec={swap}\" \"$@\"\n")
    tar.chmod(0o755)
    monkeypatch.setenv("TAPEROOM_CLIENT_TAR", str(tar))
    with client(tmp_path, monkeypatch) as connection:
        found = dump(connection, disk, level)
    assert (top / "d").is_symlink() and b"./big" in found.data, "the directory was swapped while tar was at work"
    assert b"FORBIDDEN" not in found.data
    told = [*found.mesg.strange, *found.mesg.normal]
    if level == 0 and not include:
        assert found.index == ["/", "\t/", "/big", "/d"] and f"{secret}/d".encode() in found.data, "what is there is dumped"
    else:
        assert any("symbolic links" in line or "Not a directory" in line for line in told), "what could not be dumped is told"


@confined
def test_an_include_does_not_lead_out_of_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "secret").mkdir()
    (tmp_path / "secret/file").write_text("FORBIDDEN FRUIT")
    (tmp_path / "disk").mkdir()
    (tmp_path / "disk/plain").write_text("harmless")
    (tmp_path / "disk/link").symlink_to(tmp_path / "secret")
    with client(tmp_path, monkeypatch) as connection:
        for names in (("./plain", "./link/file"), ("./plain", "./link/*")):
            found = dump(connection, a_disk(connection.host, tmp_path / "disk", include=names), 0)
            assert b"harmless" in found.data and b"FORBIDDEN" not in found.data
            assert any("./link/file" in line for line in found.mesg.strange), "what was asked for and is not there is told"


@confined
def test_directories_that_become_links_in_mid_dump(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A user of the client swaps directories of the disk for links to what is not his while tar walks."""
    secret, top = tmp_path / "secret", tmp_path / "disk"
    for number in range(40):
        for base, text in ((secret, "FORBIDDEN FRUIT"), (top, "harmless")):
            (base / f"d{number % 4}/e{number}").mkdir(parents=True, exist_ok=True)
            (base / f"d{number % 4}/e{number}/file").write_text(text * 50)
    stop, swaps = threading.Event(), [0]

    def swap() -> None:
        while not stop.is_set():
            for number in range(4):
                name, aside = top / f"d{number}", tmp_path / f"aside{number}"
                name.rename(aside)
                name.symlink_to(secret / f"d{number}")
                stop.wait(0.0003)  # either state is there long enough to be met
                name.unlink()
                aside.rename(name)
                stop.wait(0.0003)
                swaps[0] += 1

    swapper = threading.Thread(target=swap)
    met = 0
    with client(tmp_path, monkeypatch) as connection:
        swapper.start()
        try:
            for _ in range(12):
                before = swaps[0]
                found = dump(connection, a_disk(connection.host, top), 0)
                assert b"FORBIDDEN" not in found.data
                met += swaps[0] > before
        finally:
            stop.set()
            swapper.join()
    assert met, "nothing was swapped while a dump ran"


def test_lists_that_are_no_files(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to("/dev/zero")
    for name in ("pipe", "link", "/dev/tty", "."):
        dle = Dle("GNUTAR", "/x", str(tmp_path), (0,), exclude=Choice(lists=(name,)))
        with pytest.raises(WorldError, match="CLT028"):
            select(dle)


def test_names_of_a_hundred_thousand_characters(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "top").mkdir()
    (tmp_path / "top/file").write_text("x")
    long = "/" + "n" * 100_000
    with client(tmp_path, monkeypatch) as connection:
        for device in (long, long + "/..", "/" + "d/" * 50_000, "\udcff" * 100_000):
            disk = a_disk(connection.host, device)
            with pytest.raises(PeerError, match="CLT005") as caught:
                dump(connection, disk, 0)
            assert len(str(caught.value)) < 1000
            reply = connection.request("selfcheck", selfcheck_request([disk], SERVER, connection.features, "t"), WAIT)
            checked = parse_selfcheck(reply)
            assert any(not well for well, _ in checked) and all(len(said) < 500 for _, said in checked)
        named = replace(a_disk(connection.host, long), device=str(tmp_path / "top"))
        assert dump(connection, named, 0).mesg.error is None, "a name is only a name"
        assert max(len(path.name) for path in (tmp_path / "client-state").rglob("*")) <= 255
        for body in (f"SERVICE {'s' * 100_000}\nOPTIONS ;\n", f"SERVICE noop\nOPTIONS {'k' * 100_000}=1;\n",
                     f"SERVICE noop\nOPTIONS hostname={'h' * 100_000};\n"):
            try:
                assert len(connection.request("x", body, WAIT)) < 200_000
            except PeerError as fault:
                assert len(str(fault)) < 1000


class Pipes:
    """A daemon in a thread of this process, and the server's ends of its pipes."""

    def __init__(self, tmp_path: Path) -> None:
        (self._in, self.out), (self.reader, wire) = os.pipe(), os.pipe()
        settings = Settings(tmp_path / "state", "/bin/tar", tmp_path / "access.toml")
        self.daemon = Daemon(self._in, wire, settings, Access(), LOCAL)
        self.code: list[int] = []
        self.thread = threading.Thread(target=lambda: self.code.append(self.daemon.run()))
        self.thread.start()

    def ends(self) -> int:
        self.thread.join(60)
        assert self.code, "amandad still waits"
        return self.code[0]


@pytest.mark.parametrize("said", [
    b"", HEADER.pack(1000, 1)[:3], HEADER.pack(1000, 1), HEADER.pack(1000, 1) + b"\0SERVICE noop\n",
    encode(1, Packet(Kind.REQ, noop_request(SERVER)))[:-1], encode(1, Packet(Kind.REQ, noop_request(STOCK))),
    encode(1, Packet(Kind.REQ, noop_request(SERVER))) + HEADER.pack(2_000_000, 2) + b"x" * 100])
def test_half_a_request_is_not_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: bytes) -> None:
    monkeypatch.setattr(amandad, "IDLE", 0.3)
    monkeypatch.setattr(exchange, "ACK_WAIT", 0.1)
    pipes = Pipes(tmp_path)
    os.write(pipes.out, said)
    assert pipes.ends() == 0


def test_a_request_in_single_bytes_is_not_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(amandad, "IDLE", 0.5)
    pipes = Pipes(tmp_path)
    body = iter(encode(1, Packet(Kind.REQ, noop_request(SERVER)))[:-1] * 1000)
    while pipes.thread.is_alive():
        os.write(pipes.out, bytes([next(body)]))
        pipes.thread.join(0.02)
    assert pipes.ends() == 0


@pytest.mark.parametrize("said", [
    HEADER.pack(4 * 1024 * 1024 + 1, 1), b"GET / HTTP/1.1\r\n\r\n", HEADER.pack(5, 1) + b"\xffabcd",
    encode(1, Packet(Kind.REQ, noop_request(SERVER))) * 3000])
def test_nonsense_ends_amandad_and_nothing_else(tmp_path: Path, said: bytes) -> None:
    pipes = Pipes(tmp_path)
    threading.Thread(target=lambda: os.read(pipes.reader, 1 << 20), daemon=True).start()
    try:
        view = memoryview(said)
        while view:
            view = view[os.write(pipes.out, view):]
    except BrokenPipeError:
        pass
    os.close(pipes.out)
    assert pipes.ends() in (0, 1)
