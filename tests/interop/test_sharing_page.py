"""docs/sharing.md, its commands typed one after the other as Amanda's own user beside a real Amanda 3.5.1."""

from __future__ import annotations

import json
import re
import subprocess
import sys

import pytest

from tests.support import amanda
from tests.support.guide import ROOT, blocks
from tests.support.stock_client import need_private
from tests.support.stock_server import our_programs

pytestmark = [pytest.mark.interop, pytest.mark.slow]

PAGE = ROOT / "docs/sharing.md"


def test_the_page_as_amanda_s_user() -> None:
    amanda.need("the page about sharing")
    need_private("the page about sharing")
    python, path = our_programs("the page about sharing")
    done = subprocess.run(
        ["unshare", "--mount", "--propagation", "private", sys.executable, "-P", "-m", "tests.support.guide", str(PAGE),
         "/etc/taperoom/tr.toml", amanda.USER, python],
        cwd=ROOT, env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "PYTHONPATH": path, "HOME": "/root", "LC_ALL": "C.UTF-8"},
        capture_output=True, text=True, timeout=280, check=False)
    said = [json.loads(line) for line in done.stdout.splitlines()]
    story = "\n".join(f"## {step['chapter']}\n{step['out']}" for step in said)
    assert done.returncode == 0, f"{story}\n{done.stderr}"
    assert len(said) == len(list(blocks(PAGE.read_text()))) == PAGE.read_text().count("```") // 2

    kept: dict[str, str] = {}
    for step in said:
        assert kept.items() <= step["volumes"].items(), f"a volume was written over: {step['text']}\n{story}"
        kept |= step["volumes"]
        assert step["strange"] == [], "all of it is that user's"
    assert {"DAILY-001", "DAILY-002", "DAILY-003", "DAILY-004", "TR-001", "TR-002"} <= set(kept), story

    def out(chapter: str) -> str:
        return "\n".join(step["out"] for step in said if step["chapter"].startswith(chapter))

    together = out("One directory")
    assert "2 volumes of somebody else's, left alone: DAILY-001" in together and "all is well" in together, story
    assert together.count("ALL WELL") == 2 and "web1:/srv/www  1 " in together, "an incremental of our own client's"
    assert "volume 'TR-001' does not match labelstr" in together and "0 problems found" in together, story
    assert said[-1]["files"] == {"gone.html": "gone\n", "index.html": "<p>first\n<p>", "img/logo": "".join(map(chr, range(12)))}
    assert "2 copies read" in out("Reading") and "all good" in out("Reading"), story
    found = out("Letting Amanda")
    assert all(re.search(rf" web1 /srv/www +[01] .* {label} ", found) for label in ("TR-001", "TR-002", "DAILY-004")), story
    assert "2 curinfo records, 2 lines of the tapelist" in out("Going back") and "0 problems found" in out("Going back"), story
