"""Each write of holding, volume, journal and catalogue in a real night with ENOSPC, EIO or a short write.

What a fault of one write may cost is one attempt; a journal that cannot be written costs the run, and the next one puts it
right.  The writes themselves, call by call, are in `test_faults_calls`.
"""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any

import pytest

from core.events.view import DiskState
from core.report.morning import report_text
from tests.faults.real import check_night, happened, next_night, night, said, site_at

ERRORS = ("ENOSPC", "EIO", "short")
TIMES = (1, 4, 12)
"""Of the changes of a catalogue the last one comes about when the run ends."""
PLACES: dict[str, tuple[str, str, str, tuple[int, ...]]] = {
    "holding": ("core.dumper", "/hold/", "write", (1, 3, 24)),
    "holding header": ("core.dumper", "/hold/", "pwrite", (1, 2)),
    "holding sync": ("core.dumper", "/hold/", "fsync", (1, 2)),
    "volume": ("core.taper", "/vtapes/slot", "write", (1, 2, 9)),
    "volume sync": ("core.taper", "/vtapes/slot", "fsync", (1, 2, 4)),
    "journal": ("core.driver", "journal.jsonl", "write", (1, 2, 5, 9)),
    "journal sync": ("core.driver", "journal.jsonl", "fdatasync", (1, 4)),
    "traffic": ("core.driver", "traffic.log", "write", (1, 3)),
    "catalogue": ("core.driver", "", "", TIMES),
}
ALWAYS = {("holding", 3, "ENOSPC"), ("volume", 9, "EIO"), ("journal", 5, "ENOSPC")}


def _cases() -> list[Any]:
    made = []
    for place, (_, _, call, times) in PLACES.items():
        for nth in times:
            for error in ERRORS:
                if "sync" in call and error == "short":
                    continue
                slow = (place, nth, error) not in ALWAYS
                made.append(pytest.param(place, nth, error, marks=[pytest.mark.slow] if slow else [],
                                         id=f"{place}-{nth}-{error}".replace(" ", "_")))
    return made


@pytest.mark.timeout(600)
@pytest.mark.parametrize(("place", "nth", "error"), _cases())
def test_a_write_of_a_real_night(tmp_path: Path, place: str, nth: int, error: str, fault_cases: object) -> None:
    module, path, call, _ = PLACES[place]
    fault: dict[str, Any] = {"layer": "write", "module": module, "path": path, "call": call, "nth": nth, "error": error}
    if place == "catalogue":
        fault = {"layer": "catalogue", "module": module, "nth": nth, "error": error}
    site = site_at(tmp_path / "site")
    code = night(site, fault)
    assert place == "catalogue" or happened(site), f"there was no such write\n{site.logs()}"
    view = check_night(site)
    if error == "short" and place != "catalogue":
        assert code == 0 and view.count(DiskState.DONE) == 2, said(site) + site.logs()
    elif "journal" in place:
        assert code == 3 and "RUN018" in said(site), said(site) + site.logs()
    elif place == "traffic":
        assert code == 0 and "RUN019" in said(site), said(site) + site.logs()
    elif place == "catalogue":
        # After the run's last fact only the driver's log can tell; the next command brings the catalogue up to the journal.
        log = (site.run().path / "driver.log").read_text()
        assert "the catalogue cannot be written" in log and code == 0, said(site) + site.logs()
        assert "RUN019" in said(site) or nth == TIMES[-1], said(site) + site.logs()
    else:
        assert view.ended is not None and view.count(DiskState.DONE) == 2, said(site) + site.logs()
        report = " ".join(report_text(view).split())
        named = [os.strerror(getattr(errno, error)), *(["took no more", "the disk is full"] if error == "ENOSPC" else [])]
        assert any(word in report for word in named), f"the report does not name the fault\n{report}\n{site.logs()}"
    next_night(site)
