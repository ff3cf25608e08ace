"""Rows about the real Amanda 3.5.1 on the same disks, where it is installed; skipped loudly where it is not.

It runs as its own user with a configuration made here, which is linked into /etc/amanda for that while.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.bench.measure import Broken, Work, in_turn
from tests.bench.runs import amdump
from tests.bench.setting import Setting
from tests.bench.site import BenchSite, make_site
from tests.bench.table import Line, cpu, speed

_ETC = Path("/etc/amanda")
USER = "backup"
_CONF = """
org "{name}"
dumpuser "backup"
mailto ""
infofile "{top}/curinfo"
logdir "{top}/log"
indexdir "{top}/index"
tapelist "{top}/conf/tapelist"
diskfile "{top}/conf/disklist"
dumpcycle 7 days
tapecycle 2
inparallel 4
maxdumps 4
netusage 8000000 kbps
etimeout 600
dtimeout 1800
ctimeout 30
tpchanger "chg-disk:{top}/vtapes"
labelstr "^B-[0-9]+"
autolabel "B-%%%" any
tapetype VTAPE
define tapetype VTAPE {{
  length 8192 mbytes
  part-size 1024 mbytes
}}
holdingdisk hd1 {{
  directory "{top}/holding"
  use 8192 mbytes
  chunksize 1024 mbytes
}}
define dumptype bench {{
  program "GNUTAR"
  auth "local"
  compress none
  index yes
}}
"""


def amanda(setting: Setting) -> Iterator[Line]:
    """100 tiny disks and the big files, from exec to exit, through the holding disk to a vtape."""
    reason = missing()
    if reason:
        print(f"*** NOT COMPARED WITH THE REAL AMANDA: {reason} ***", flush=True)
        return
    big = setting.data.big()
    for title, disks, times in (("100 tiny disks", setting.data.tiny(100), min(setting.times, 3)),
                                ("big files to holding and vtape", [big], setting.times)):
        with configured(setting.work / "amanda", disks) as name:
            def fresh(name: str = name, disks: Sequence[Path] = disks) -> None:
                empty(setting.work / "amanda", name)
                make_site(setting.work / "site", disks)
                setting.settle(big)

            a, b = in_turn([amdump(BenchSite(setting.work / "site")), _amdump(setting.work / "amanda", name)], times, fresh)
        yield speed(f"real Amanda, {title}", a, b, None)
        yield cpu(f"real Amanda, {title}", a, b, None)
    BenchSite(setting.work / "site").remove()


def missing() -> str:
    """Why the real Amanda cannot be run here; empty when it can."""
    if shutil.which("amdump") is None or not Path("/usr/lib/amanda/amandad").exists():
        return "amanda-server and amanda-client are not installed"
    if os.geteuid() != 0:
        return "only root can become its user"
    return "" if _ETC.is_dir() else f"there is no {_ETC}"


@contextmanager
def configured(top: Path, disks: Sequence[Path], more: str = "", disklist: str = "") -> Iterator[str]:
    """The name of a configuration that exists for a while; ``more`` stands at its end, ``disklist`` instead of the disks."""
    name = f"taperoom-bench-{os.getpid()}"
    conf = top / "conf"
    conf.mkdir(parents=True)
    (conf / "amanda.conf").write_text(_CONF.format(name=name, top=top) + more)
    (conf / "disklist").write_text(disklist or "".join(f'localhost "{disk}" bench\n' for disk in disks))
    link = _ETC / name
    link.symlink_to(conf)
    try:
        yield name
    finally:
        link.unlink()
        shutil.rmtree(top)
        for side in ("server", "client"):
            shutil.rmtree(Path("/var/log/amanda") / side / name, ignore_errors=True)
        for file in Path("/var/lib/amanda/gnutar-lists").glob(f"localhost{str(top.parent.parent).replace('/', '_')}_*"):
            file.unlink()


def empty(top: Path, name: str) -> None:
    """As before the first run."""
    for directory in ("curinfo", "log", "index", "holding", "vtapes"):
        shutil.rmtree(top / directory, ignore_errors=True)
        (top / directory).mkdir()
    for slot in range(1, 4):
        (top / "vtapes" / f"slot{slot}").mkdir()
    for file in ("tapelist", "tapelist.last_write", "command_file"):
        (top / "conf" / file).unlink(missing_ok=True)
    (top / "conf" / "tapelist").touch()
    # Its programs look through all their old debug files when they start: let that not be held against it.
    for side in ("server", "client"):
        shutil.rmtree(Path("/var/log/amanda") / side / name, ignore_errors=True)
    subprocess.run(["chown", "-R", f"{USER}:{USER}", str(top)], check=True)


def _amdump(top: Path, name: str) -> Work:
    def work() -> dict[str, float]:
        done = subprocess.run(
            ["runuser", "-u", USER, "--", "amdump", name], cwd="/", capture_output=True, text=True, check=False)
        if done.returncode:
            said = "".join(path.read_text(errors="replace") for path in (top / "log").glob("log.*"))
            raise Broken(f"Amanda: exit code {done.returncode}: {done.stderr[-200:]} {said[-800:]}")
        return {}
    return work
