"""The client's listener: enrolling, whoever knocks and is not the server, floods, inetd, and what an operator types."""

from __future__ import annotations

import os
import shutil
import socket
import ssl
import stat
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from clientd.tls.identity import identity_in, install
from core.errors import PeerError, WorldError
from core.wire.transports import connect
from tests.support.client import ROOT, a_disk, dump
from tests.support.night import wait_for
from tests.support.tls import Ends, Listening, any_context, descendants, enrolled, listening

OPENSSL = shutil.which("openssl")


@pytest.fixture(scope="module")
def ends(tmp_path_factory: pytest.TempPathFactory) -> Ends:
    return enrolled(tmp_path_factory.mktemp("tls"))


def clientd(*words: str, said: bytes = b"") -> subprocess.CompletedProcess[str]:
    done = subprocess.run([sys.executable, "-P", "-m", "clientd", *words], input=said, capture_output=True, check=False,
                          timeout=60, env={**os.environ, "PYTHONPATH": str(ROOT)})
    return subprocess.CompletedProcess(done.args, done.returncode, done.stdout.decode(), done.stderr.decode())


def test_enrolled_from_a_file_and_from_stdin(ends: Ends, tmp_path: Path) -> None:
    file = tmp_path / "web1.enrol"
    bundle = ends.enrol()
    file.write_text(bundle.text())
    file.chmod(0o600)
    until = bundle.until
    for words, said in ((str(file), b""), ("-", bundle.text().encode())):
        directory = tmp_path / ("a" if said else "b") / "tls"
        done = clientd("enrol", words, "--dir", str(directory), said=said)
        assert (done.returncode, done.stderr) == (0, "")
        assert f"web1 is enrolled with the server of daily until {until}" in done.stdout
        assert ("Remove" in done.stdout) == (words != "-") and "PRIVATE" not in done.stdout
        assert {path.name: stat.S_IMODE(path.stat().st_mode) for path in directory.iterdir()} == {
            "client.pem": 0o600, "trust.pem": 0o600}
        assert stat.S_IMODE(directory.stat().st_mode) == 0o700
        assert identity_in(directory).trust.name == "web1"
    file.chmod(0o644)
    assert "others than you may read" in clientd("enrol", str(file), "--dir", str(tmp_path / "c")).stderr


def test_a_bad_enrolment_changes_nothing(ends: Ends, tmp_path: Path) -> None:
    bundle, theirs = ends.enrol(), enrolled(tmp_path / "other").enrol().key
    before = {path.name: path.read_bytes() for path in ends.client.iterdir()}
    text, key = bundle.text(), bundle.key
    for bad in (text.replace(key, theirs), text[:500], "", text.replace(key.splitlines()[1], key.splitlines()[1][::-1])):
        with pytest.raises(WorldError, match="CLT052 this is no enrolment"):
            install(bad, ends.client)
    assert {path.name: path.read_bytes() for path in ends.client.iterdir()} == before


def test_what_an_operator_reads_on_the_client(ends: Ends, tmp_path: Path) -> None:
    (tmp_path / "binary").write_bytes(b"\xff\xfe")
    (tmp_path / "file").write_text("x")
    for words, code, text in (
        (("enrol", str(tmp_path / "nothing")), 1, "CLT052"), (("enrol", str(tmp_path / "binary")), 1, "it is no text"),
        (("enrol",), 2, "usage: clientd enrol"), (("listen", "--port", "99999"), 2, "invalid"),
        (("listen", "--dir", str(tmp_path)), 1, "CLT052 this client is not enrolled"),
        (("enrol", "-", "--dir", str(tmp_path / "file/x")), 1, "CLT052"),
    ):
        done = clientd(*words, said=ends.enrol().text().encode())
        assert (done.returncode, text in done.stderr) == (code, True), done
        assert "Traceback" not in done.stderr
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = clientd("listen", "--address", "127.0.0.1", "--port", str(port), "--dir", str(ends.client))
    assert done.returncode == 1 and f"CLT054 127.0.0.1 port {port} cannot be listened on: Address already in use" in done.stderr
    assert "CLT054" in clientd("listen", "--address", "no-such-host.invalid", "--dir", str(ends.client)).stderr


# Whoever knocks and is not the server gets nothing, and starts nothing.


def knock(listener: Listening, *sends: bytes) -> bytes:
    with socket.create_connection(("127.0.0.1", listener.port), 30) as peer:
        return hear(peer, *sends)


def hear(peer: socket.socket, *sends: bytes) -> bytes:
    """What a stranger is told until he is left."""
    got = b""
    try:
        for data in sends:
            peer.sendall(data)
        while data := peer.recv(65536):
            got += data
    except (ConnectionResetError, BrokenPipeError):
        pass
    return got


@pytest.mark.parametrize(("data", "log"), [
    (b"GET / HTTP/1.1\r\n\r\n", "CLT045 the server at 127.0.0.1 does not speak TLS"),
    (b"\0\0\0\x0f\0\0\0\x01\0SERVICE noop\n", "CLT045 the server at 127.0.0.1 does not speak TLS"),
    (b"\x16\x03\x01\xff\xff" + b"\x01" * 70000, "CLT04"), (b"\x80" * 70000, "CLT045"),
    (b"\x16\x03\x01\x00\x05\x01\x00\x00\x01\x00", "CLT049")],
    ids=["http", "amanda", "endless hello", "noise", "short hello"])
def test_what_is_no_tls(ends: Ends, data: bytes, log: str) -> None:
    with listening(ends) as listener:
        answer = knock(listener, data)
        assert len(answer) <= 7, "at most an alert"
        assert log in listener.said(log)
        wait_for(lambda: not listener.family(), lambda: str(listener.lines))


def attempt(listener: Listening, context: ssl.SSLContext) -> bytes:
    """What a foreign TLS program hears inside, before anything of it was believed."""
    with socket.create_connection(("127.0.0.1", listener.port), 30) as plain:
        try:
            with context.wrap_socket(plain) as sealed:
                sealed.sendall(b"\0\0\0\x0f\0\0\0\x01\0SERVICE noop\n")
                return sealed.recv(4096)
        except (ssl.SSLError, ConnectionResetError, BrokenPipeError):
            return b""


def test_foreign_certificates(ends: Ends, tmp_path: Path) -> None:
    other = enrolled(tmp_path / "other")
    with listening(ends) as listener:
        for own, log in ((None, "CLT041 the server at 127.0.0.1 shows no certificate"),
                         (other.server / "server.pem", "CLT041 the certificate of the server at 127.0.0.1 is of another"),
                         (ends.client / "client.pem", "CLT042 the certificate of the server at 127.0.0.1 was made for")):
            assert attempt(listener, any_context(own, listens=False)) == b""
            assert log in listener.said(log)
        old = any_context(ends.server / "server.pem", listens=False)
        old.maximum_version = ssl.TLSVersion.TLSv1_2
        assert attempt(listener, old) == b""
        assert listener.said("CLT046 the server at 127.0.0.1 has no TLS 1.3")
        wait_for(lambda: not listener.family(), lambda: str(listener.lines))
        assert attempt(listener, any_context(ends.server / "server.pem", listens=False)) == b"TAPEROOM TLS 1 OK\n"


@pytest.mark.skipif(OPENSSL is None, reason="NOT TESTED: openssl is not installed: no foreign TLS client")
def test_openssl_connects(ends: Ends) -> None:
    with listening(ends) as listener:
        common = [str(OPENSSL), "s_client", "-connect", f"127.0.0.1:{listener.port}", "-CAfile", str(ends.server / "ca.pem"),
                  "-verify_return_error", "-ign_eof", "-quiet"]
        server = str(ends.server / "server.pem")
        for more, heard, log in (
            (["-cert", server, "-key", server, "-tls1_2"], b"", "CLT046"), ([], b"", "CLT041"),
            (["-cert", server, "-key", server], b"TAPEROOM TLS 1 OK\n", ""),
        ):
            # After its greeting the listener has an amandad, which is told nonsense and leaves.
            done = subprocess.run([*common, *more], input=b"nonsense" * 9, capture_output=True, timeout=60, check=False)
            assert done.stdout == heard, done.stderr
            assert not log or listener.said(log)
        wait_for(lambda: not listener.family(), lambda: str(listener.lines))


def test_a_stranger_who_says_nothing_is_not_waited_for(ends: Ends) -> None:
    with listening(ends, prelude="from clientd.tls import session; session.HANDSHAKE = 0.3") as listener:
        began = time.monotonic()
        assert knock(listener) == b"" and time.monotonic() - began < 20
        assert listener.said("CLT049 the server at 127.0.0.1 did not end the TLS handshake within 0.3 s")


def test_a_stranger_who_talks_a_byte_at_a_time_is_not_waited_for(ends: Ends) -> None:
    with listening(ends, prelude="from clientd.tls import session; session.HANDSHAKE = 0.5") as listener:
        with socket.create_connection(("127.0.0.1", listener.port), 30) as peer:
            peer.settimeout(0.05)
            hello = iter(b"\x16\x03\x01\x40\x00" + b"\x01" * 4000)
            while True:
                try:
                    peer.sendall(bytes([next(hello)]))
                    if not peer.recv(1):
                        break
                except TimeoutError:
                    continue
                except OSError:
                    break
        assert listener.said("CLT049")


def test_a_flood_of_strangers_does_not_keep_the_server_out(ends: Ends, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("hello")
    with listening(ends) as listener:
        strangers = [socket.create_connection(("127.0.0.1", listener.port), 30) for _ in range(80)]
        connection = connect(ends.host(listener.port), "tls")
        assert len(descendants(listener.process.pid)) <= 32 + 4
        assert dump(connection, a_disk(connection.host, tmp_path, auth="tls"), 0).mesg.ended
        more = [socket.create_connection(("127.0.0.1", listener.port), 30) for _ in range(40)]
        assert dump(connection, a_disk(connection.host, tmp_path, auth="tls"), 0).mesg.ended, "who is known does not give way"
        connection.close()
        for one in (*strangers, *more):
            one.close()
        wait_for(lambda: not listener.family(), lambda: str(listener.lines))
        assert len(listener.lines) < 40, "its log is not filled"


def test_who_may_ask_is_still_the_access_files_matter(ends: Ends, tmp_path: Path) -> None:
    (ends.client.parent / "access.toml").write_text('servers = ["192.0.2.1"]\n')
    try:
        with listening(ends) as listener, \
                pytest.raises(PeerError, match=r"CLT004 .*CLT026 .*does not permit the server 127.0.0.1"):
            connect(ends.host(listener.port), "tls")
        (ends.client.parent / "access.toml").write_text("broken")
        with listening(ends) as listener, pytest.raises(PeerError, match=r"CLT004 .*CLT026 the access file"):
            connect(ends.host(listener.port), "tls")
    finally:
        (ends.client.parent / "access.toml").unlink()


@pytest.mark.parametrize("log", ["socket", "file"])
def test_as_inetd_starts_it(ends: Ends, tmp_path: Path, log: str) -> None:
    """inetd makes the connection stdin, stdout and stderr; a systemd socket keeps the latter two for the journal."""
    (tmp_path / "file").write_text("hello")
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "TAPEROOM_CLIENT_TLS": str(ends.client),
                   "TAPEROOM_CLIENT_STATE": str(tmp_path / "state"), "TAPEROOM_CLIENT_ACCESS": str(tmp_path / "access.toml")}
    with socket.create_server(("127.0.0.1", 0)) as server, open(tmp_path / "log", "wb") as journal:
        port = server.getsockname()[1]
        knocking = socket.create_connection(("127.0.0.1", port))
        for _ in range(2):
            def start() -> None:
                peer, _ = server.accept()
                out = peer if log == "socket" else journal
                with peer:
                    subprocess.run([sys.executable, "-P", "-m", "clientd", "-auth=tls"], stdin=peer, stdout=out, stderr=out,
                                   env=environment, timeout=60, check=False)

            thread = threading.Thread(target=start)
            thread.start()
            if knocking.fileno() >= 0:
                answer = hear(knocking, b"hello\r\n\r\n")
                assert len(answer) <= 7 and b"CLT" not in answer, "not a word but TLS's own alert"
                knocking.close()
            else:
                connection = connect(ends.host(port), "tls")
                assert dump(connection, a_disk(connection.host, tmp_path, auth="tls"), 0).mesg.ended
                connection.close()
            thread.join(60)
            assert not thread.is_alive()
    assert ("CLT045" in (tmp_path / "log").read_text()) == (log == "file")


def test_without_a_connection_as_stdin() -> None:
    done = clientd("-auth=tls")
    assert done.returncode == 2 and "needs a connection as stdin" in done.stderr


def test_the_standard_library_is_enough(ends: Ends, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("hello")
    copy = tmp_path / "installed"
    for package in ("core", "clientd"):
        shutil.copytree(ROOT / package, copy / package, ignore=shutil.ignore_patterns("__pycache__"))
    code = (f"import sys; sys.path.insert(0, {str(copy)!r}); sys.path[:] = [p for p in sys.path if 'site-packages' not in p]\n"
            "from clientd.amandad import main\nimport clientd.tls.commands\n"
            "others = {n.partition('.')[0] for n in sys.modules} - set(sys.stdlib_module_names)\n"
            "print(*sorted(n for n in others if not n.startswith('_')))\n"
            "print(*sorted(n for n in sys.modules if n.startswith('core.')))")
    done = subprocess.run([sys.executable, "-S", "-P", "-c", code], capture_output=True, text=True, check=True, cwd=tmp_path)
    ours, modules = done.stdout.splitlines()
    assert set(ours.split()) == {"clientd", "core"}
    assert not any(name.startswith(("core.trust", "core.wire.transports", "core.config")) for name in modules.split())
