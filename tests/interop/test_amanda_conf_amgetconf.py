"""Our reading of an amanda.conf against the real amgetconf's."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from core.amanda.conf import Block, Conf, read_conf
from core.amanda.kinds import BLOCKS, GLOBAL
from core.errors import UsageError
from tests.support.amanda_lines import DEFINED, REFUSED, TAKEN, text_of

AMGETCONF = shutil.which("amgetconf", path="/usr/sbin:/usr/bin")
GOLDEN = Path(__file__).parents[1] / "golden" / "amanda-3.5.1" / "conf"
MADE = r'''
org "a\"b"
DUMPCYCLE 2 weeks
netusage 8 mbps
bumpsize 10M
bumpmult 1.25
tapecycle 4 tapes
mailto "x\
y"
device_output_buffer_size 2M
define dumptype base {
  index no
  record off
  auth "ssh"
  dumpcycle 3
  bumpsize 1500 bytes
}
define dumptype Child-1 {
  BASE
  index
  maxdumps 3
}
define tapetype t1 {
  length 3G
  part_size 100 mb
  filemark 4000 bytes
}
define tapetype t2 {
  t1
  length 2
}
holdingdisk h1 {
  directory "/x"
  use -10 gb
  chunksize 1 gb
}
define policy p {
  retention-days 3
}
define interface i {
  use 10 mbps
}
'''
pytestmark = [
    pytest.mark.interop,
    pytest.mark.skipif(AMGETCONF is None, reason="NO amgetconf OF Amanda HERE: reading of amanda.conf is NOT compared with it"),
]


def ask(directory: Path, key: str) -> str | None:
    done = subprocess.run([str(AMGETCONF), ".", key], cwd=directory, capture_output=True, text=True, timeout=60)
    return done.stdout.rstrip("\n") if done.returncode == 0 and "rror" not in done.stderr else None


def shown(block: Block, key: str) -> str:
    value = block.get(key)
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)


def compare(conf: Conf, directory: Path) -> int:
    count = 0
    for block, prefix in [(conf.top, ""), *((block, f"{kind}:{block.name}:") for kind, named in conf.blocks.items()
                                            for block in named.values() if block.file)]:
        for key in block.settings:
            kind = (BLOCKS[block.kind] if block.kind else GLOBAL)[key].split()[0]
            if kind not in ("text", "whole", "size", "bytes", "flag", "real"):
                continue
            told = ask(directory, prefix + key)
            ours = shown(block, key)
            if told is not None and key in ("application", "policy", "interactivity"):
                told = told.strip('"')
            same = told is not None and (float(told) == float(ours) if kind == "real" else told == ours)
            assert same, f"{prefix}{key}: amgetconf says {told!r}, we read {ours!r}"
            count += 1
    return count


@pytest.mark.parametrize(("text", "least"), [
    pytest.param(MADE, 25, id="made"),
    pytest.param((GOLDEN / "amanda.conf").read_text(), 40, id="amanda.conf", marks=pytest.mark.slow),
    pytest.param((GOLDEN / "amanda-split.conf").read_text(), 10, id="amanda-split.conf", marks=pytest.mark.slow),
])
def test_values_are_those_of_amgetconf(tmp_path: Path, text: str, least: int) -> None:
    (tmp_path / "amanda.conf").write_text(text)
    (tmp_path / "disklist").touch()
    conf = read_conf("amanda.conf", lambda name: (tmp_path / name).read_text())
    assert compare(conf, tmp_path) >= least


@pytest.mark.parametrize("text", [
    "define dumptype a-b {\n}\ndefine dumptype x {\n a_b\n}\n", "define dumptype x {\n later\n}\ndefine dumptype later {\n}\n",
    "org daily\n", "inparallel 4 4\n", 'mailto "open\n', 'includefile "none"\n', "bogus 3\n",
    "define dumptype x { index\n}\n", "define dumptype x {\n index\n", "define dumptype x {\n}\ndefine dumptype X {\n}\n",
])
def test_what_amanda_refuses_we_refuse(tmp_path: Path, text: str) -> None:
    (tmp_path / "amanda.conf").write_text(text)
    (tmp_path / "disklist").touch()
    assert ask(tmp_path, "runtapes") is None
    with pytest.raises(UsageError) as caught:
        read_conf("amanda.conf", lambda name: (tmp_path / name).read_text())
    assert caught.value.code == "CFG011"


@pytest.mark.parametrize("kind", TAKEN, ids=lambda kind: kind or "top")
def test_what_the_list_says_is_taken(tmp_path: Path, kind: str) -> None:
    lines = [line for line in TAKEN[kind] if "match-autolabel" not in line and line != 'holdingdisk "D1"']
    text = DEFINED + ("".join(f"define {kind} T{number} {{\n {line}\n}}\n" for number, line in enumerate(lines))
                      if kind else "".join(f"{line}\n" for line in lines))
    (tmp_path / "amanda.conf").write_text(text)
    (tmp_path / "disklist").touch()
    assert ask(tmp_path, "runtapes") is not None


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "line"), [(kind, line) for kind, lines in REFUSED.items() for line in lines])
def test_what_the_list_says_is_refused(tmp_path: Path, kind: str, line: str) -> None:
    (tmp_path / "amanda.conf").write_text(text_of(kind, line))
    (tmp_path / "disklist").touch()
    assert ask(tmp_path, "runtapes") is None
