"""The planner asks the real amandad of Amanda 3.5.1, over a pipe."""

from __future__ import annotations

import os
import pwd
import tomllib
from pathlib import Path

import pytest
import tomli_w

from core.protocol.planner import DumpLine, Estimate, NoEstimate
from tests.support.planner import PlannerSite

AMANDAD = Path("/usr/lib/amanda/amandad")

pytestmark = pytest.mark.interop


def test_a_stock_client_gives_estimates(tmp_path: Path) -> None:
    """A disk that is there is planned with its size, one that is not fails with the client's reason."""
    if not AMANDAD.exists() or os.geteuid() != 0:
        pytest.skip("NOT TESTED: needs amanda-client 3.5.1 and root, to become the user backup")
    pwd.getpwnam("backup")
    site = PlannerSite(tmp_path, {"localhost": ({}, ["/usr/share/common-licenses", "/nonexistent"])},
                       host={"estimate_timeout": "60 s", "connect_timeout": "30 s"})
    plain = tomllib.loads(site.config.read_text())
    plain["host"]["localhost"]["amandad"] = ["/usr/sbin/runuser", "-u", "backup", "--", str(AMANDAD), "-auth=local"]
    site.config.write_text(tomli_w.dumps(plain))
    found = site.plan()
    [line] = found.of(DumpLine)
    [size] = found.of(Estimate)
    [missing] = found.of(NoEstimate)
    assert (line.disk, line.level, line.orig, line.why) == (
        "/usr/share/common-licenses", 0, size.size, "new disk, first full")
    assert size.size > 100
    assert missing.disk == "/nonexistent"
    assert found.verdicts["localhost:/nonexistent"] == f"!PLN003 no size: {missing.message}"
