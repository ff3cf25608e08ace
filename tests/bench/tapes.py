"""The row about the taper: holding file to vtape, against cp."""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from crc32c import crc32c

from core.holding.file import HoldingWriter
from core.holding.header import Header, Kind
from core.model.dump import Crc
from core.protocol import taper as language
from tests.bench.measure import Broken, Work, in_turn
from tests.bench.setting import Setting
from tests.bench.site import STAMP, BenchSite, make_site, running
from tests.bench.table import Line, cpu, speed

_PIECE = 1024 * 1024


def taper(setting: Setting) -> Iterator[Line]:
    """FILE-WRITE of a dump as big as the big files."""
    files = sorted(setting.data.big().iterdir())
    site = make_site(setting.work / "site", [Path("/tree")])
    dump = _holding_file(site.top / "held" / STAMP / "localhost.tree.0", files)
    out = setting.work / "out"

    def settle() -> None:
        for slot in (site.top / "vtapes").glob("slot*"):
            shutil.rmtree(slot)
        (site.top / "state" / "tapelist").unlink(missing_ok=True)
        setting.settle(dump)

    for durable in (False, True):
        command = f"cp '{dump}' '{out}'" + (f"; sync '{out}'" if durable else "")

        def copy(command: str = command) -> dict[str, float]:
            subprocess.run(command, shell=True, check=True)
            return {}

        a, b = in_turn([_write(site, dump, durable=durable), copy], setting.times, settle)
        title = f"taper against cp, {'fsync' if durable else 'no fsync'}"
        yield speed(title, a, b, 0.95)
        yield cpu(title, a, b, None)
    site.remove()


def _holding_file(path: Path, files: list[Path]) -> Path:
    path.parent.mkdir(parents=True)
    header = Header(Kind.FILE, datestamp=STAMP, host="localhost", disk="/tree", program="/bin/tar",
                    recover="/bin/tar -xpGf - ...")
    writer = HoldingWriter(path)
    writer.begin(header)
    crc = size = 0
    for file in files:
        with open(file, "rb", buffering=0) as source:
            while data := source.read(_PIECE):
                crc, size = crc32c(data, crc), size + len(data)
                writer.write(memoryview(data))
    found = Crc(crc, size)
    writer.finish(replace(header, native=found, client=found, server=found, orig_kib=size // 1024))
    return path


def _write(site: BenchSite, dump: Path, *, durable: bool) -> Work:
    def work() -> dict[str, float]:
        with running(site.command("taper", "main", durable=durable), site, language.conversation()) as program:
            program.say(language.StartTaper("20260102040000"))
            program.hear()
            began = time.monotonic()
            program.say(language.FileWrite("00-00001", str(dump), "localhost", "/tree", 0, STAMP))  # type: ignore[arg-type]
            while not isinstance(report := program.hear(language.Progress), language.Done):
                match report:
                    case language.RequestNewTape(handle):
                        program.say(language.NewTape(handle))
                    case language.NewTape() | language.PartDone():
                        pass
                    case _:
                        raise Broken(str(report))
            return {"wall": time.monotonic() - began}
    return work
