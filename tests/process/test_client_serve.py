"""The console for a browser: who gets in, and what is said when it cannot be served."""

from __future__ import annotations

import importlib.util
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path

import pytest

from core.cli.serve import HOST, secrets_equal
from tests.support import recorded_run as recorded
from tests.support.cli import PROGRAM, call, environment, write_site

installed = pytest.mark.skipif(importlib.util.find_spec("textual_serve") is None,
                               reason="textual-serve is not installed (the extra web): the server is NOT tested")


def free_port() -> int:
    with socket.socket() as found:
        found.bind((HOST, 0))
        return int(found.getsockname()[1])


@pytest.fixture
def served(tmp_path: Path) -> Iterator[tuple[subprocess.Popen[str], int, str]]:
    """A server, its port and the path that it printed."""
    recorded.make_run(tmp_path / "state" if write_site(tmp_path) else tmp_path, "ended")
    port = free_port()
    paths = os.pathsep.join([environment()["PYTHONPATH"], *filter(None, [os.environ.get("PYTHONPATH")])])
    child = subprocess.Popen([*PROGRAM, "serve", "--port", str(port)], cwd=tmp_path, stdout=subprocess.PIPE,
                             stderr=subprocess.PIPE, text=True, env=environment(PYTHONPATH=paths))
    assert child.stdout is not None and child.stderr is not None
    said = child.stdout.readline()
    found = re.fullmatch(rf"the console of DailySet1: http://{HOST}:{port}(/[\w-]{{32}}/)\n", said)
    assert found, said + child.stderr.read()
    assert child.stdout.readline() == "only this machine reaches it; Ctrl-C ends it, and never a run\n"
    # It is said at the start of the server; it listens a moment later.
    while True:
        try:
            socket.create_connection((HOST, port)).close()
            break
        except ConnectionRefusedError:
            assert child.poll() is None
    yield child, port, found[1]
    child.kill()
    child.communicate()


def get(port: int, path: str, **headers: str) -> tuple[int, str, dict[str, str]]:
    connection = HTTPConnection(HOST, port, timeout=20)
    connection.request("GET", path, headers=headers)
    answer = connection.getresponse()
    body = answer.read().decode()
    connection.close()
    return answer.status, body, dict(answer.headers)


@installed
@pytest.mark.interop
def test_only_who_knows_the_path_gets_in(served: tuple[subprocess.Popen[str], int, str]) -> None:
    child, port, path = served
    status, body, headers = get(port, path)
    assert status == 200 and f"ws://{HOST}:{port}{path}ws" in body
    assert headers["Referrer-Policy"] == "no-referrer" and "style-src 'self'" in headers["Content-Security-Policy"]
    assert get(port, f"{path}static/js/textual.js")[0] == 200
    for wrong in ("/", "/ws", "/static/js/textual.js", path.rstrip("/"), path[:-2] + "/", path.upper(), f"/x{path}",
                  f"{path}../", "/%00", "/" + "a" * 32 + "/"):
        status, body, _ = get(port, wrong)
        assert (status, body) in ((403, "403: use the address that taperoom serve printed\n"), (404, "404: Not Found")), wrong
        assert status == 403 or wrong == f"{path}../"
    assert get(port, path, Host=f"evil.example:{port}")[0] == 403
    child.send_signal(signal.SIGINT)
    _, err = child.communicate(timeout=30)
    assert (child.returncode, err) == (0, "no longer served; a run that is under way goes on\n")


@installed
@pytest.mark.interop
def test_only_this_machine_is_listened_to(served: tuple[subprocess.Popen[str], int, str]) -> None:
    _, port, _ = served
    listening = [line.split()[1] for line in Path("/proc/net/tcp").read_text().splitlines()[1:] if line.split()[3] == "0A"]
    assert [place for place in listening if place.endswith(f":{port:04X}")] == [f"0100007F:{port:04X}"]


@installed
@pytest.mark.interop
def test_a_port_that_is_taken(tmp_path: Path) -> None:
    write_site(tmp_path)
    with socket.socket() as taken:
        taken.bind((HOST, 0))
        taken.listen()
        port = taken.getsockname()[1]
        paths = os.pathsep.join([environment()["PYTHONPATH"], *filter(None, [os.environ.get("PYTHONPATH")])])
        done = subprocess.run([*PROGRAM, "serve", "--port", str(port)], cwd=tmp_path, capture_output=True, text=True,
                              env=environment(PYTHONPATH=paths), timeout=60, check=False)
    assert done.returncode == 3
    assert f"RUN028 the console cannot be served: port {port} of {HOST}: " in done.stderr
    assert "Traceback" not in done.stderr


def test_without_the_library(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    write_site(tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(sys.modules, "textual_serve.server", None)
    monkeypatch.setitem(sys.modules, "textual_serve", None)
    said = call(capsys, "serve")
    assert (said.code, said.out) == (3, "")
    assert said.err.startswith("RUN028 the console cannot be served: textual_serve")
    assert said.err.endswith("is not installed\n  Hint: pip install 'taperoom[web]'\n")


def test_comparing_in_constant_time() -> None:
    assert secrets_equal("/a/", "/a/")
    assert not secrets_equal("/b/", "/a/") and not secrets_equal("", "/a/") and not secrets_equal("\udcff", "/a/")
