"""The one maker of an amanda.conf for tests: a configuration of a real Amanda 3.5.1 whose state and holding disk lie in one
directory, and the link in /etc/amanda by which its programs find it."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

SYSTEM = Path("/etc/amanda")
FOLDERS = ("conf", "log", "index", "curinfo", "holding")
PLACES = """\
org "{org}"
dumpuser "backup"
mailto ""
infofile "{here}/curinfo"
logdir "{here}/log"
indexdir "{here}/index"
tapelist "{here}/conf/tapelist"
diskfile "{here}/conf/disklist"
command-file "{here}/conf/command_file"
"""
PLAIN = {"program": '"GNUTAR"', "auth": '"local"', "compress": "none", "index": "yes"}
"""The dumptype that most tests begin with."""

Settings = Mapping[str, object]


def amanda_conf(here: Path, top: Settings, *, tapetype: Settings, holding: Settings, org: str = "", more: str = "") -> str:
    """The text.  ``top``, ``tapetype`` and ``holding``: keywords and what stands behind each, as in the file; the tapetype is
    ``V``, the holding disk ``h`` in ``holding``; ``more`` stands before the end, where a changer may be and dumptypes are."""
    holding_disk = {"directory": f'"{here}/holding"', **holding}
    return "".join((
        PLACES.format(org=org or here.name, here=here), lines(top), "tapetype V\n", block("tapetype", "V", tapetype),
        block("holdingdisk", "h", holding_disk), "holdingdisk h\n", more))


def block(kind: str, name: str, settings: Settings, *parents: str) -> str:
    """A ``define``; ``parents``: whose settings it begins with."""
    inside = "".join(f"  {line}\n" for line in (*parents, *lines(settings).splitlines()))
    return f"define {kind} {name} {{\n{inside}}}\n"


def lines(settings: Settings) -> str:
    """A line for each keyword; several values are several lines."""
    return "".join(f"{key} {value}\n" for key, values in settings.items()
                   for value in (values if isinstance(values, tuple) else (values,)))


def make_folders(here: Path, *more: str) -> Path:
    """The directories of a configuration and its empty tapelist; the one of amanda.conf."""
    for name in (*FOLDERS, *more):
        (here / name).mkdir(parents=True)
    (here / "conf/tapelist").touch()
    return here / "conf"


def write_disklist(conf: Path, entries: Iterable[str]) -> None:
    """The disklist, a line each."""
    (conf / "disklist").write_text("".join(f"{entry}\n" for entry in entries))


@contextmanager
def known(name: str, conf: Path) -> Iterator[None]:
    """Amanda's programs find the configuration by that name as long as this lasts."""
    made = not SYSTEM.is_dir()
    SYSTEM.mkdir(exist_ok=True)
    link = SYSTEM / name
    link.symlink_to(conf)
    try:
        yield
    finally:
        link.unlink(missing_ok=True)
        if made:
            shutil.rmtree(SYSTEM, ignore_errors=True)
