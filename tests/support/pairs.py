"""Pairs of a server and a client, each ours or a real Amanda 3.5.1's, with `tests.support.spoiler` between them: what comes of
one question when one word of it is spoilt.

The stock server is its real programs: `amcheck`, `planner`, and `dumper`, whose driver and chunker are played here.
"""

from __future__ import annotations

import itertools
import os
import select
import shutil
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
from core.model.disk import Disk
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
  auth "local"
  amandad-path "{amandad}"
  record no
}}
"""
OPTIONS = r'|"  <auth>local</auth>\n  <record>NO</record>\n  <index>YES</index>\n  <datapath>AMANDA</datapath>\n"""'


@dataclass(frozen=True, slots=True)
class Case:
    """Who asks whom (``ours``, ``stock``), and what is spoilt how."""

    server: str
    client: str
    word: str = ""
    fault: str = ""


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
        amanda.give(self.tree)
        self._numbers = itertools.count(1)

    def dump(self, case: Case) -> Outcome:
        """One dump of the tree."""
        place = self._place(case)
        if case.server == "stock":
            return self._stock_dump(case, place)
        return self._our_dump(case, place, self._command(case, place))

    def dump_by_tcp(self, case: Case) -> Outcome:
        """One dump by our server from a stock client, by bsdtcp."""
        place = self._place(case)
        amandad = ["runuser", "-u", amanda.USER, "--", str(amanda.AMANDAD), "-auth=bsdtcp", amanda.SERVICES]
        program = (self.python, "-P", spoiler.__file__, case.word, case.fault, place / "spoilt", "--to")
        with Inetd(*amandad) as there, Inetd(*program, str(there.port)) as between:
            return self._our_dump(case, place, [], f'address = "127.0.0.1"\nport = {between.port}\nuser = "{amanda.USER}"')

    def check(self, case: Case) -> Outcome:
        """The selfcheck of the tree."""
        assert case.fault != "server killed", "that is us"
        place = self._place(case)
        if case.server == "stock":
            done = self.server.raw("amcheck", "-c", ".", cwd=place)
            return self._outcome(place, "0 problems found" in done.stdout, done.stdout + done.stderr)
        config = self._config(place, self._command(case, place))
        found = [finding for finding in check(load_site(config)) if not isinstance(finding, int)]
        wrong = [f"{finding.code} {finding.subject}: {finding.text}" for finding in found if finding.severity]
        return self._outcome(place, bool(found) and not wrong, "\n".join(wrong))

    def estimate(self, case: Case) -> Outcome:
        """The size of the tree at level 0."""
        assert case.fault != "server killed" or case.server == "stock", "that is us"
        place = self._place(case)
        if case.server == "stock":
            done = self.server.raw(
                LIBEXEC / "planner", ".", "--starttime", STAMP, "--log-filename", place / "log/log", "--no-flush", cwd=place)
            said = (place / "log/log").read_text() if (place / "log/log").exists() else ""
            return self._outcome(place, "\nDUMP " in f"\n{done.stdout}", said + done.stderr)
        disk = self._disk(self._config(place, self._command(case, place)))
        survey = clients.Survey("daily", STAMP)
        heard = list(survey.ask(clients.asks_of([(disk, (0,))])))
        survey.tidy(10.0)
        [answer] = [one for found in heard if isinstance(found, clients.Finished) for one in found.answers.values()]
        said = "\n".join(f"{':'.join(found.key)}: {found.message}" for found in heard if isinstance(found, clients.Missing))
        return self._outcome(place, answer.sizes.get(0, 0) > 8000, said)

    def _place(self, case: Case) -> Path:
        place = self.here / f"{self.here.name}-{next(self._numbers):04}"
        place.mkdir()
        for name in ("log", "curinfo", "holding", "state"):
            (place / name).mkdir()
        (place / "tapelist").touch()
        # Each with a state and a disk of its own: a client keeps what it needs for incrementals by the disk's name, and a disk
        # that is being dumped is dumped by nobody else.
        (place / "ours").write_text(self._ours.replace(f"{self.here}/state", f"{place}/state"))
        (place / "ours").chmod(0o755)
        script = place / "amandad"
        words = [self.python, "-P", spoiler.__file__, case.word, case.fault, place / "spoilt", "--", self._client(case, place)]
        script.write_text("#!/bin/sh\nexec " + " ".join(f"'{word}'" for word in words) + ' "$@"\n')
        script.chmod(0o755)
        (place / "amanda.conf").write_text(CONF.format(here=self.here, silence=SILENCE, answer=ANSWER, amandad=script))
        (place / "disklist").write_text(f'localhost {place.name} "{self.tree}" spoilt\n')
        amanda.give(place)
        return place

    def _command(self, case: Case, place: Path) -> list[str]:
        become = ["setpriv", f"--reuid={amanda.USER}", f"--regid={amanda.USER}", "--init-groups"]
        return [self.python, "-P", spoiler.__file__, case.word, case.fault, str(place / "spoilt"), "--", *become,
                str(self._client(case, place)), "-auth=local"]

    def _client(self, case: Case, place: Path) -> Path:
        return amanda.AMANDAD if case.client == "stock" else place / "ours"

    def _config(self, place: Path, command: list[str], host: str = "") -> Path:
        config = place / "taperoom.toml"
        amandad = f"amandad = {command!r}\n" if command else ""
        config.write_text(f"""org = "daily"
state_dir = "{place}/server"
[[holding]]
path = "{place}/holding"
[storage.main]
changer = "disk:{place}/vtapes"
[dumptype.default]
auth = "{'local' if command else 'bsdtcp'}"
compress = "none"
record = false
[host.localhost]
data_timeout = "{SILENCE} s"
connect_timeout = "{ANSWER} s"
estimate_timeout = "{ANSWER} s"
{amandad}{host}
[[disk]]
host = "localhost"
disk = "{place.name}"
device = "{self.tree}"
""")
        return config

    def _disk(self, config: Path) -> Disk:
        return load_site(config).disks[0]

    def _our_dump(self, case: Case, place: Path, command: list[str], host: str = "") -> Outcome:
        path = place / "holding" / STAMP / "localhost._tree.0"
        with Dumper(self._config(place, command, host)) as dumper:
            dumper.tell(FileDump(
                Handle("00-00001"), str(path), "localhost", place.name, 0, "1970:1:1:0:0:0", Kib(0), "gnutar", "|;index;"))
            if case.fault == "server killed" and command:
                dumper.process.wait(PATIENCE)
                return self._outcome(place, False, "killed")
            while isinstance(report := dumper.hear(), Strange):
                pass
            left = tuple(str(file.name) for file in place.glob("holding/*/*"))
        good = isinstance(report, Done)
        return self._outcome(place, good, str(report), data_of(path) if good else b"", () if good else left)

    def _stock_dump(self, case: Case, place: Path) -> Outcome:
        with socket.create_server(("127.0.0.1", 0)) as head, socket.create_server(("127.0.0.1", 0)) as body:
            ports = [one.getsockname()[1] for one in (head, body)]
            # Not the bit of the shared memory, by which a stock client on the same machine would pass round the wire.
            features = (CLIENT if case.client == "ours" else STOCK.less(SHM_CONTROL_NAME)).text
            order = (f'PORT-DUMP 00-00001 {ports[0]} NULL 1 localhost {features} {place.name} "{self.tree}" 0 1970:1:1:0:0:0 '
                     f'GNUTAR {place}/amandad "" "" "" "" "" "" 1 "" "" local AMANDA 127.0.0.1:{ports[1]} 20 {OPTIONS}\n')
            command = ["runuser", "-u", amanda.USER, "--", LIBEXEC / "dumper", ".", "--log-filename", place / "log/log"]
            with subprocess.Popen(command, cwd=place, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                                  bufsize=0) as dumper:
                assert dumper.stdin is not None and dumper.stdout is not None
                dumper.stdin.write(f"START {STAMP}\n{order}".encode())
                try:
                    said, data = _chunker(dumper.stdout.fileno(), head, body)
                    with suppress(BrokenPipeError):
                        dumper.stdin.write(b'QUIT ""\n')
                finally:
                    dumper.stdin.close()
                    with suppress(subprocess.TimeoutExpired):
                        dumper.wait(10)
                    dumper.kill()
        words = said.split()
        # Its chunker compares what came with the checksum that the client told.
        good = words[:1] == ["DONE"] and words[6] == f"{crc32c(data):08x}:{len(data)}"
        return self._outcome(place, good, said, data if good else b"")

    def _outcome(self, place: Path, good: bool, said: str, data: bytes = b"", left: tuple[str, ...] = ()) -> Outcome:
        log = place / "spoilt"
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
                if not heard or (b"\n" in said and (ended or coming is None)):
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
