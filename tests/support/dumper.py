"""A dumper process for tests: a small site, orders in, reports out, both checked by the driver's end of the table."""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from core.protocol.conversation import Lines
from core.protocol.dumper import FileDump, PortDump, Progress, conversation
from core.wire.features import CLIENT
from tests.support import fake_amandad

ROOT = Path(__file__).parent.parent.parent
STAMP = "20260102030405"
PATIENCE = 60.0  # seconds until a test gives up on a report; not a measure of anything


class Dumper:
    """A running ``core.dumper``; use as a context manager."""

    def __init__(self, config: Path, prefix: Sequence[str] = ()) -> None:
        self.process = subprocess.Popen(
            [*prefix, sys.executable, "-P", "-m", "core.dumper", str(config)], cwd=config.parent, bufsize=0,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )
        assert self.process.stdin is not None and self.process.stdout is not None
        self._in, self._out = self.process.stdin, self.process.stdout
        self.talk = conversation()
        self._lines = Lines()
        self._heard: list[bytes] = []
        self.progress: list[Progress] = []

    def __enter__(self) -> Dumper:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.communicate()

    def tell(self, order: Any) -> None:
        """Say an order."""
        self._in.write(self.talk.send(order))

    def tell_raw(self, data: bytes) -> None:
        """Say anything."""
        self._in.write(data)

    def hear(self) -> Any:
        """The next report but PROGRESS (those are kept in `progress`)."""
        while True:
            report = self.talk.receive(self._line())
            if not isinstance(report, Progress):
                return report
            self.progress.append(report)

    def hear_progress(self) -> Progress:
        """The next report, which has to be PROGRESS."""
        report = self.talk.receive(self._line())
        assert isinstance(report, Progress), report
        return report

    def _line(self) -> bytes:
        deadline = time.monotonic() + PATIENCE
        while not self._heard:
            poll = select.poll()
            poll.register(self._out, select.POLLIN)
            assert poll.poll(max(0.0, deadline - time.monotonic()) * 1000), "the dumper said nothing"
            data = os.read(self._out.fileno(), 65536)
            assert data, f"the dumper left: {self.leave()}"
            self._heard += self._lines.feed(data)
        return self._heard.pop(0)

    def leave(self) -> tuple[int, str]:
        """End of file for it: its exit code and what it wrote to stderr."""
        _, said = self.process.communicate(timeout=PATIENCE)
        return self.process.returncode, said.decode()


class Place:
    """A site in a directory: one host ``web1`` with the disk ``/home``, a holding disk, a scripted client."""

    def __init__(self, top: Path) -> None:
        self.top = top
        self.holding = top / "holding"
        self.holding.mkdir()
        self.script = top / "script.json"
        self.config = top / "taperoom.toml"
        self.configure()

    def configure(self, *, compress: str = "none", more: str = "", host: str = "", amandad: str | None = None) -> None:
        """Write the configuration."""
        fake = f"{sys.executable} {fake_amandad.__file__} {self.script}"
        command = "" if amandad == "" else f'amandad = "{amandad or fake}"'
        self.config.write_text(f"""
org = "daily"
state_dir = "{self.top}/state"
[[holding]]
path = "{self.holding}"
[storage.main]
changer = "disk:{self.top}/vtapes"
[dumptype.default]
auth = "local"
compress = "{compress}"
{more}
[host.web1]
{command}
{host}
[[disk]]
host = "web1"
disk = "/home"
[[disk]]
host = "web1"
disk = "/a b"
""", encoding="utf-8")

    def plays(self, steps: list[list[Any]], **more: Any) -> None:
        """What the client does."""
        self.script.write_text(json.dumps({"features": CLIENT.text, "steps": steps, **more}))

    @property
    def seen(self) -> str:
        """What the client saw."""
        path = Path(f"{self.script}.seen")
        return path.read_text() if path.exists() else ""

    @property
    def path(self) -> Path:
        """The holding file of `order`."""
        return self.holding / STAMP / "web1._home.0"

    def order(self, options: str = "|;", *, number: int = 1, chunksize: int = 0, level: int = 0, **more: Any) -> FileDump:
        """A FILE-DUMP of the disk."""
        values: dict[str, Any] = {
            "handle": f"00-{number:05}", "filename": str(self.path), "host": "web1", "disk": "/home", "level": level,
            "dumpdate": "1970:1:1:0:0:0", "chunksize": chunksize, "program": "gnutar", "options": options, **more,
        }
        return FileDump(**values)

    def port_order(self, port: int, options: str = "|;") -> PortDump:
        """A PORT-DUMP of the disk."""
        return PortDump("00-00001", port, "web1", "/home", 0, "1970:1:1:0:0:0", "gnutar", options)  # type: ignore[arg-type]

    @property
    def left(self) -> list[str]:
        """The files on the holding disk."""
        return sorted(path.name for path in self.holding.rglob("*") if path.is_file())
