"""docs/migrating-from-amanda.md, followed word by word on a site of a real Amanda 3.5.1."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.support import amanda
from tests.support.guide import ROOT, blocks
from tests.support.stock_client import need_private

pytestmark = pytest.mark.interop

GUIDE = ROOT / "docs/migrating-from-amanda.md"


def test_every_block_of_the_guide_can_be_done() -> None:
    found = list(blocks(GUIDE.read_text()))
    assert GUIDE.read_text().count("```") == 2 * len(found)
    assert [block.language for block in found].count("toml") == 2 and len(found) > 10


@pytest.mark.slow
def test_the_guide_word_by_word(tmp_path: Path) -> None:
    amanda.need("the migration guide")
    need_private("the migration guide")
    done = subprocess.run(
        ["unshare", "--mount", "--propagation", "private", sys.executable, "-P", "-m", "tests.support.guide", str(GUIDE),
         "/etc/taperoom/daily.toml", "root", sys.executable],
        cwd=ROOT, env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "PYTHONPATH": str(ROOT), "HOME": "/root", "LC_ALL": "C.UTF-8"},
        capture_output=True, text=True, timeout=280, check=False)
    said = [json.loads(line) for line in done.stdout.splitlines()]
    story = "\n".join(f"## {step['chapter']}\n{step['out']}" for step in said)
    assert done.returncode == 0, f"{story}\n{done.stderr}"
    assert len(said) == len(list(blocks(GUIDE.read_text())))

    def out(chapter: str) -> str:
        return "\n".join(step["out"] for step in said if step["chapter"].startswith(chapter))

    def files(number: int) -> dict[str, Any]:
        steps = [step for step in said if step["chapter"].startswith(f"{number}.")]
        found: dict[str, Any] = steps[-1]["files"]
        return found

    assert "web1:/srv/www" in out("2.") and "Amanda:   2 dumps" in out("2."), story
    assert "would be written, 2 disks on 2 clients" in out("3.")
    assert "2 disks on 2 clients" in out("4.") and " E  " not in out("4.")
    # Files of the first night, and nothing of the second one.
    assert files(5)["old/index.html"] == "<p>first\n<p>"
    assert files(5)["whole/index.html"] == "<p>first\n<p>" and "whole/gone.html" in files(5) and "whole/img/new" not in files(5)
    assert files(7)["now/index.html"] == "<p>second\n<p"[:12] and "now/gone.html" not in files(7) and "now/img/new" in files(7)
    # Amanda knows of dumps of both, restores what we dumped, and goes on from there.
    assert files(7)["db/journal"] == "entry\nentry\n" and "db/table" in files(7)
    again = re.search(r"dumped db1:/srv/db level 1: ([0-9.]+) KiB", out("7."))
    assert again is not None and float(again[1]) < 100, "it went on from what Amanda's client kept"
    assert "DAILY-007" in out("8.").rpartition("amadmin daily find")[2] and "0 problems found" in out("8.")
    assert out("8.").count("./index.html") >= 2 and files(8)["amrecover/index.html"] == "<p>second\n<p"[:12]
