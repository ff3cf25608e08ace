"""Pairs of a server and a client, each ours or a real Amanda 3.5.1's, with `tests.support.spoiler` between them: what comes of
one question when one word of it is spoilt.

The stock server is its real programs: `amcheck`, `planner`, and `dumper`, whose driver and chunker are played here.
"""

from __future__ import annotations

import itertools
import os
import re
import select
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from crc32c import crc32c

from core.client.clients import check
from core.config.load import load_site
from core.model.units import Handle, Kib
from core.planner import clients
from core.protocol.dumper import Done, FileDump, Strange
from core.wire.features import CLIENT, SHM_CONTROL_NAME, STOCK
from tests.support import amanda, spoiler
from tests.support.dumper import STAMP, Dumper
from tests.support.holding import data_of
from tests.support.inetd import Inetd
from tests.support.stock_server import StockServer, ours, python_of_amanda, stock_server

LIBEXEC = Path("/usr/lib/amanda")
DEBUG = (Path("/var/log/amanda/server"), Path("/var/log/amanda/client"))
SNAPSHOTS = Path("/var/lib/amanda/gnutar-lists")
SILENCE = 4
"""Seconds of silence on the streams of a dump after which either server gives it up."""
ANSWER = 20
"""Seconds that either server waits for a reply: more than it takes to ask again."""
PATIENCE = 75.0
"""Seconds after which a stock server that says nothing counts as one that never will."""
CONF = """includefile "{here}/conf/amanda.conf"
dtimeout {silence}
ctimeout {answer}
etimeout {answer}
diskfile "disklist"
logdir "log"
infofile "curinfo"
tapelist "tapelist"
define dumptype spoilt {{
  plain
  auth "{case.by}"
  amandad-path "{place}/amandad"
  client-port "{port}"
  record no
}}
"""
OPTIONS = r'|"  <auth>{by}</auth>\n  <record>NO</record>\n  <index>YES</index>\n  <datapath>AMANDA</datapath>\n"""'


@dataclass(frozen=True, slots=True)
class Case:
    """Who asks whom (``ours``, ``stock``), what is spoilt how, and by which way they talk (``local``, ``bsdtcp``)."""

    server: str
    client: str
    word: str = ""
    fault: str = ""
    by: str = "local"


@dataclass(frozen=True, slots=True)
class Place:
    """Where one case is played; ``port``: where the spoiler listens, empty when the server starts it."""

    case: Case
    path: Path
    command: tuple[str, ...]
    port: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """``good`` as the server sees it; ``said``: its last words; ``hit``: the word came; ``ended``: the client has left by
    itself; ``data``: what was stored of a good dump; ``left``: what a bad one left."""

    good: bool
    said: str
    hit: bool
    ended: bool
    data: bytes = b""
    left: tuple[str, ...] = ()


class Pairs:
    """A stock server's directory, our client beside the stock one, and a tree to dump."""

    def __init__(self, server: StockServer) -> None:
        self.server, self.here = server, server.here
        self.python = python_of_amanda()
        self._ours = ours(self.here / "amandad", self.here).read_text()
        self.tree = self.here / "tree"
        self.tree.mkdir()
        (self.tree / "noise").write_bytes(os.urandom(9_000_000))
        (self.tree / "blank and ü").write_bytes(b"x")
        server.write("", [])
        hosts = self.here / "amandahosts"
        hosts.write_text(f"localhost {amanda.USER} {amanda.SERVICES}\n")
        hosts.chmod(0o600)
        amanda.give(self.tree, hosts)
        self._numbers = itertools.count(1)

    def dump(self, case: Case) -> Outcome:
        """One dump of the tree."""
        with self._place(case) as place:
            return self._stock_dump(place) if case.server == "stock" else self._our_dump(place)

    def check(self, case: Case) -> Outcome:
        """The selfcheck of the tree."""
        assert case.fault != "server killed" or case.server == "stock", "that is us"
        with self._place(case) as place:
            if case.server == "stock":
                done = self.server.raw("amcheck", "-c", ".", cwd=place.path)
                return self._outcome(place, "0 problems found" in done.stdout, done.stdout + done.stderr)
            found = [finding for finding in check(load_site(self._config(place))) if not isinstance(finding, int)]
            wrong = [f"{finding.code} {finding.subject}: {finding.text}" for finding in found if finding.severity]
            return self._outcome(place, bool(found) and not wrong, "\n".join(wrong))

    def estimate(self, case: Case) -> Outcome:
        """The size of the tree at level 0."""
        assert case.fault != "server killed" or case.server == "stock", "that is us"
        with self._place(case) as place:
            if case.server == "stock":
                log = place.path / "log/log"
                done = self.server.raw(LIBEXEC / "planner", ".", "--starttime", STAMP, "--log-filename", log, "--no-flush",
                                       cwd=place.path)
                said = log.read_text() if log.exists() else ""
                return self._outcome(place, "\nDUMP " in f"\n{done.stdout}", said + done.stderr)
            survey = clients.Survey("daily", STAMP)
            heard = list(survey.ask(clients.asks_of([(load_site(self._config(place)).disks[0], (0,))])))
            survey.tidy(10.0)
            [answer] = [one for found in heard if isinstance(found, clients.Finished) for one in found.answers.values()]
            said = "\n".join(f"{':'.join(found.key)}: {found.message}" for found in heard if isinstance(found, clients.Missing))
            return self._outcome(place, answer.sizes.get(0, 0) > 8000, said)

    @contextmanager
    def _place(self, case: Case) -> Iterator[Place]:
        path = self.here / f"{self.here.name}-{next(self._numbers):04}"
        path.mkdir()
        for name in ("log", "curinfo", "holding", "state"):
            (path / name).mkdir()
        (path / "tapelist").touch()
        # Each with a state and a disk of its own: a client keeps what it needs for incrementals by the disk's name, and a disk
        # that is being dumped is dumped by nobody else.
        (path / "ours").write_text(self._ours.replace(f"{self.here}/state", f"{path}/state"))
        (path / "ours").chmod(0o755)
        (path / "disklist").write_text(f'localhost {path.name} "{self.tree}" spoilt\n')
        client = str(amanda.AMANDAD if case.client == "stock" else path / "ours")
        spoil = (self.python, "-P", spoiler.__file__, case.word, case.fault, f"{path}/spoilt")
        become = ("setpriv", f"--reuid={amanda.USER}", f"--regid={amanda.USER}", "--init-groups")
        # A stock server has become that user already, and names the way itself.
        script = path / "amandad"
        script.write_text("#!/bin/sh\nexec " + " ".join(f"'{word}'" for word in (*spoil, "--", client)) + ' "$@"\n')
        script.chmod(0o755)
        command = () if case.by == "bsdtcp" else (*spoil, "--", *become, client, "-auth=local")
        with ExitStack() as stack:
            port = ""
            if case.by == "bsdtcp":
                listens = Inetd(*spoil, "--tcp", *become, client, "-auth=bsdtcp", amanda.SERVICES)
                port = str(stack.enter_context(listens).port)
            (path / "amanda.conf").write_text(CONF.format(
                here=self.here, place=path, case=case, port=port, silence=SILENCE, answer=ANSWER))
            amanda.give(path)
            try:
                yield Place(case, path, command, port)
            finally:
                told = (path / "spoilt").read_text() if (path / "spoilt").exists() else ""
                for pid in re.findall(r"^child (\d+)$", told, re.MULTILINE):
                    with suppress(ProcessLookupError):  # a stock client whose wire is gone may stay for ever
                        os.killpg(int(pid), signal.SIGKILL)

    def _config(self, place: Place) -> Path:
        config = place.path / "taperoom.toml"
        how = (f'address = "127.0.0.1"\nport = {place.port}\nuser = "{amanda.USER}"' if place.port else
               f"amandad = {list(place.command)!r}")
        config.write_text(f"""org = "daily"
state_dir = "{place.path}/server"
[[holding]]
path = "{place.path}/holding"
[storage.main]
changer = "disk:{place.path}/vtapes"
[dumptype.default]
auth = "{place.case.by}"
compress = "none"
record = false
[host.localhost]
data_timeout = "{SILENCE} s"
connect_timeout = "{ANSWER} s"
estimate_timeout = "{ANSWER} s"
{how}
[[disk]]
host = "localhost"
disk = "{place.path.name}"
device = "{self.tree}"
""")
        return config

    def _our_dump(self, place: Place) -> Outcome:
        path = place.path / "holding" / STAMP / "localhost._tree.0"
        with Dumper(self._config(place)) as dumper:
            dumper.tell(FileDump(Handle("00-00001"), str(path), "localhost", place.path.name, 0, "1970:1:1:0:0:0", Kib(0),
                                 "gnutar", "|;index;"))
            if place.case.fault == "server killed":
                dumper.process.wait(PATIENCE)
                return self._outcome(place, False, "killed")
            while isinstance(report := dumper.hear(), Strange):
                pass
            left = tuple(str(file.name) for file in place.path.glob("holding/*/*"))
        good = isinstance(report, Done)
        return self._outcome(place, good, str(report), data_of(path) if good else b"", () if good else left)

    def _stock_dump(self, place: Place) -> Outcome:
        here, by = place.path, place.case.by
        with socket.create_server(("127.0.0.1", 0)) as head, socket.create_server(("127.0.0.1", 0)) as body:
            ports = [one.getsockname()[1] for one in (head, body)]
            # Not the bit of the shared memory, by which a stock client on the same machine would pass round the wire.
            features = (CLIENT if place.case.client == "ours" else STOCK.less(SHM_CONTROL_NAME)).text
            order = (f'PORT-DUMP 00-00001 {ports[0]} NULL 1 localhost {features} {here.name} "{self.tree}" 0 1970:1:1:0:0:0 '
                     f'GNUTAR {here}/amandad "" "" "" "" "" "" 1 "{place.port}" "" {by} AMANDA 127.0.0.1:{ports[1]} 20 '
                     f'{OPTIONS.format(by=by)}\n')
            command = ["runuser", "-u", amanda.USER, "--", LIBEXEC / "dumper", ".", "--log-filename", here / "log/log"]
            with subprocess.Popen(command, cwd=here, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                                  bufsize=0) as dumper:
                assert dumper.stdin is not None and dumper.stdout is not None
                dumper.stdin.write(f"START {STAMP}\n{order}".encode())
                try:
                    said, data = _chunker(dumper.stdout.fileno(), head, body)
                    with suppress(BrokenPipeError):
                        dumper.stdin.write(b'QUIT ""\n')
                finally:
                    with suppress(BrokenPipeError):
                        dumper.stdin.close()
                    with suppress(subprocess.TimeoutExpired):
                        dumper.wait(10)
                    dumper.kill()
        words = said.split()
        # Its chunker compares what came with the checksum that the client told.
        good = words[:1] == ["DONE"] and words[6] == f"{crc32c(data):08x}:{len(data)}"
        return self._outcome(place, good, said, data if good else b"")

    def _outcome(self, place: Place, good: bool, said: str, data: bytes = b"", left: tuple[str, ...] = ()) -> Outcome:
        log = place.path / "spoilt"
        deadline = time.monotonic() + spoiler.PATIENCE + 5
        while not set(told := log.read_text().split() if log.exists() else []) & {"ended", "left"}:
            if time.monotonic() > deadline:
                break
            time.sleep(0.05)
        return Outcome(good, said, "hit" in told, "ended" in told, data, left)


def _chunker(stdout: int, head: socket.socket, body: socket.socket) -> tuple[str, bytes]:
    """What the dumper says at last, and what it sent."""
    deadline = time.monotonic() + PATIENCE
    said, data = bytearray(), bytearray()
    coming: socket.socket | None = None
    ended = False
    with ExitStack() as stack:
        while time.monotonic() < deadline:
            waits = [stdout, head, *([] if ended else [coming or body])]
            ready, _, _ = select.select(waits, [], [], deadline - time.monotonic())
            if head in ready:
                with head.accept()[0] as connection:
                    while connection.recv(32768):
                        pass
            if body in ready:
                coming = stack.enter_context(body.accept()[0])
            elif coming is not None and coming in ready:
                piece = coming.recv(1 << 20)
                data += piece
                ended = not piece
            if stdout in ready:
                heard = os.read(stdout, 65536)
                said += heard
                if not heard:
                    return said.decode("utf-8", "replace"), bytes(data)
            if b"\n" in said and (ended or coming is None):
                return said.decode("utf-8", "replace"), bytes(data)
    return f"no end: {bytes(said)!r}", bytes(data)


@contextmanager
def pairs() -> Iterator[Pairs]:
    """As long as this lasts."""
    with stock_server() as server:
        try:
            yield Pairs(server)
        finally:
            for place in DEBUG:
                for made in place.glob(f"{server.here.name}*"):
                    shutil.rmtree(made, ignore_errors=True)
            for snapshot in SNAPSHOTS.glob(f"*{server.here.name}*"):
                snapshot.unlink()
