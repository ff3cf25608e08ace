"""``python -m tests.support.guide GUIDE CONFIG USER PYTHON``: a machine with a site of a real Amanda, on which a guide's
commands are typed by that user, but for those that begin with ``# as root``; that Python runs our programs with our PYTHONPATH.

Everything happens in mounts of its own: /etc, /var, /opt and /tmp are this machine's with a layer above them that nobody else
sees, and that is gone afterwards; /srv is empty.  One JSON object a block on stdout: where it is, what was said, how it ended,
what lies in the slots then.
"""

from __future__ import annotations

import hashlib
import json
import os
import pwd
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tomli_w

from tests.support import amanda

ROOT = Path(__file__).parents[2]
LAYERED = ("etc", "var", "opt", "tmp")
OURS = ("/etc/taperoom", "/var/lib/taperoom", "/var/lib/taperoom-client", "/var/spool/taperoom")
AS_ROOT = "# as root\n"
NIGHTS = {
    "www": ({"index.html": b"<p>first\n" * 3000, "img/logo": bytes(range(256)) * 2000, "gone.html": b"gone\n"},
            {"index.html": b"<p>second\n" * 3000, "img/new": b"new\n" * 500}),
    "db": ({"table": b"row\n" * 200_000}, {"journal": b"entry\n" * 5000}),
}
AMANDA_CONF = """
org "daily"
mailto "root"
dumpuser "backup"
dumpcycle 7 days
runspercycle 7
tapecycle 7 tapes
runtapes 2
infofile "/var/lib/amanda/daily/curinfo"
logdir "/var/log/amanda/daily"
indexdir "/var/lib/amanda/daily/index"
tapelist "/etc/amanda/daily/tapelist"
tpchanger "vtapes"
tapetype VTAPE
labelstr "^DAILY-[0-9][0-9][0-9]$"
autolabel "DAILY-%%%" empty volume-error
inparallel 2
ctimeout 20
define application app_amgtar {
  plugin "amgtar"
}
define holdingdisk spool {
  directory "/var/spool/amanda"
  use 200 mb
}
holdingdisk spool
define changer vtapes {
  tpchanger "chg-disk:/srv/vtapes"
  property "num-slot" "8"
  property "auto-create-slot" "yes"
}
define tapetype VTAPE {
  length 64 mb
  part-size 4 mb
}
define dumptype base {
  auth "local"
  index yes
}
define dumptype www {
  base
  program "APPLICATION"
  application "app_amgtar"
  compress client fast
}
define dumptype db {
  base
  program "GNUTAR"
  compress none
}
"""
DISKLIST = "web1 /srv/www www\ndb1 /srv/db db\n"


@dataclass(frozen=True, slots=True)
class Block:
    """A block of a guide: ``sh`` is typed, ``toml`` is edited into the configuration, ``conf`` into that of Amanda."""

    chapter: str
    language: str
    text: str


def blocks(guide: str) -> Iterator[Block]:
    """The blocks of a guide that are to be done, in their order."""
    chapter = ""
    for found in re.finditer(r"^## ([^\n]+)$|^```(\w+)\n(.*?)^```$", guide, re.MULTILINE | re.DOTALL):
        if found[1]:
            chapter = found[1]
        elif found[2] in ("sh", "toml", "conf"):
            yield Block(chapter, found[2], found[3])


def layers() -> None:
    """Put the layer above everything that the guide may touch."""
    place = Path("/mnt")
    _run("mount", "-t", "tmpfs", "-o", "size=1g,mode=755", "tmpfs", str(place))
    for name in LAYERED:
        for kind in ("up", "work"):
            (place / name / kind).mkdir(parents=True)
        (place / name / "up").chmod(Path("/", name).stat().st_mode & 0o7777)
        options = f"lowerdir=/{name},upperdir={place}/{name}/up,workdir={place}/{name}/work"
        _run("mount", "-t", "overlay", "-o", options, "overlay", f"/{name}")
    # What other tests do meanwhile with Amanda's directories is none of this machine's business; and files below a layer are on
    # another device than their directories, so tar would leave them out.
    for name in OURS:  # nor what a server or a client of ours has left on it
        shutil.rmtree(name, ignore_errors=True)
    for name in ("/var/lib/amanda", "/var/log/amanda", "/srv"):
        _run("mount", "-t", "tmpfs", "-o", "mode=755", "tmpfs", name)
    _run("mount", "-t", "tmpfs", "-o", "mode=1777", "tmpfs", "/dev/shm")  # Amanda's dumpers leave their memory there


def site() -> str:
    """A site of Amanda with two nights behind it; the datestamp of the first."""
    for directory in ("/etc/amanda/daily", "/var/lib/amanda/daily/curinfo", "/var/lib/amanda/daily/index",
                      "/var/log/amanda/daily", "/var/spool/amanda", "/srv/vtapes", "/var/lib/amanda/gnutar-lists"):
        Path(directory).mkdir(parents=True, exist_ok=True)
    Path("/etc/amanda/daily/amanda.conf").write_text(AMANDA_CONF)
    Path("/etc/amanda/daily/disklist").write_text(DISKLIST)
    Path("/etc/amanda/daily/tapelist").touch()
    with open("/etc/hosts", "a") as hosts:
        hosts.write("127.0.0.1 web1 db1\n")
    for night in range(2):
        put(night)
        _run("chown", "-hR", "backup:backup", "/etc/amanda/daily", "/var/lib/amanda", "/var/log/amanda", "/var/spool/amanda",
             "/srv")
        _run("runuser", "-u", amanda.USER, "--", "amdump", "daily")
    return min(path.name.split(".")[1] for path in Path("/var/log/amanda/daily").glob("log.*.0"))


def put(night: int) -> None:
    """The files as they are at that night."""
    for disk, nights in NIGHTS.items():
        for name, data in nights[night].items():
            target = Path("/srv", disk, name)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(data)
    if night:
        Path("/srv/www/gone.html").unlink()


def edit(text: str, config: Path) -> None:
    """Write a configuration, or tables in the place of those that it has, as a reader does."""
    if not config.exists():
        config.write_text(text)
        return
    plain: dict[str, Any] = tomllib.loads(config.read_text())
    for head, tables in tomllib.loads(text).items():
        plain[head].update(tables)
    config.write_text(tomli_w.dumps(plain))


def programs(python: str) -> Path:
    """A directory with our commands, as an installed Taperoom has them."""
    place = Path("/opt/taperoom/bin")
    place.mkdir(parents=True)
    for name, module, function in (("taperoom", "core.cli.main", "main"), ("taperoom-clientd", "clientd.amandad", "main")):
        file = place / name
        file.write_text(f"#!/bin/sh\nexport PYTHONPATH='{os.environ['PYTHONPATH']}'\n"
                        f'exec {python} -P -c "import sys; from {module} import {function}; sys.exit({function}())" "$@"\n')
        file.chmod(0o755)
    return place


def main(words: list[str]) -> int:
    """Follow the guide to its end, or to the first command that fails."""
    guide, config, user, python = words
    layers()
    path = f"{programs(python)}:/usr/sbin:/usr/bin:/sbin:/bin"
    for block in blocks(Path(guide).read_text().replace("2026-11-20", site())):
        said: dict[str, Any] = {"chapter": block.chapter, "text": block.text, "code": 0, "out": ""}
        if block.language == "toml":
            edit(block.text, Path(config))
        elif block.language == "conf":
            with open("/etc/amanda/daily/amanda.conf", "a") as conf:
                conf.write(block.text)
        else:
            who = "root" if block.text.startswith(AS_ROOT) else user
            done = subprocess.run(
                ["runuser", "-u", who, "--", "bash", "-euxo", "pipefail", "-c", block.text], cwd="/", text=True,
                env={"PATH": path, "HOME": pwd.getpwnam(who).pw_dir, "LC_ALL": "C.UTF-8"},
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
            said |= {"code": done.returncode, "out": done.stdout}
        said |= {"files": found_in(Path("/srv/back")) | found_in(Path("/tmp/back")), "strange": not_of(user),
                 "volumes": volumes(Path("/srv/vtapes"))}
        print(json.dumps(said), flush=True)
        if said["code"]:
            return 1
    return 0


def volumes(vtapes: Path) -> dict[str, str]:
    """Label to the checksum of all that is on it."""
    return {label.name.partition(".")[2]: hashlib.sha256(b"".join(
        path.name.encode() + path.read_bytes() for path in sorted(label.parent.iterdir()))).hexdigest()
        for label in vtapes.glob("slot*/00000.*")}


def not_of(user: str) -> list[str]:
    """What lies where both write and is not that user's."""
    owner = pwd.getpwnam(user).pw_uid
    return [str(path) for top in ("/srv/vtapes", *OURS[1:]) for path in Path(top).rglob("*") if path.lstat().st_uid != owner]


def found_in(top: Path) -> dict[str, str]:
    """The beginning of each file below a directory."""
    files = sorted(path for path in top.rglob("*") if path.is_file())
    return {str(path.relative_to(top)): path.read_bytes()[:12].decode("latin-1") for path in files}


def _run(*command: str) -> None:
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, cwd="/", env={
        **os.environ, "PATH": "/usr/sbin:/usr/bin:/sbin:/bin"})
    if done.returncode:
        logs = "".join(path.read_text(errors="replace")[-3000:] for path in Path("/var/log/amanda/daily").glob("log.*"))
        raise SystemExit(f"{logs}{' '.join(command)}: {done.returncode}\n{done.stdout}{done.stderr}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
