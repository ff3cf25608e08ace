"""The fault matrix on real processes: a wrapper between the real driver and a real child spoils one line of a real night.

A few run always, all of them in `make test-all`.  The words come from the protocol tables; those that a night of two small
disks does not say are in `QUIET` and are tried on the engine (`test_faults_engine`).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from core.events.view import DiskState
from core.protocol import dumper, planner, taper
from core.report.morning import report_text
from tests.faults.real import check_night, happened, next_night, night, said, site_at
from tests.support.faultnight import FAULTS

DIRECT = {"PORT-DUMP", "PORT-WRITE", "PORT", "WRITE-DONE", "CONFIRM"}
TIGHT = {"NO-ROOM", "CONTINUE"}
QUIET = {"ABORT", "ABORT-FINISHED", "STRANGE", "TRY-AGAIN", "RETRY", "FAILED", "BAD-COMMAND", "NO-NEW-TAPE", "WRITE-FAILED",
         "TAPER-ERROR", "REQUEST-OPERATOR", "TAPE-ERROR", "FLUSH", "NO-ESTIMATE", "SKIP", "PROGRESS", "QUITING"}
ALWAYS = {
    ("core.dumper", "child", "DONE", "garbled"), ("core.dumper", "driver", "FILE-DUMP", "dropped"),
    ("core.taper", "child", "PARTDONE", "dropped"), ("core.taper", "child", "DONE", "receiver killed"),
    ("core.planner", "child", "DUMP", "dropped"),
}


def _words() -> list[tuple[str, str, str]]:
    found = [("core.planner", "child", verb) for verb in (*planner.VOCABULARY.messages, "DUMP")]
    for module, language in (("core.dumper", dumper), ("core.taper", taper)):
        found += [(module, "driver", kind.VERB) for kind in language.Order.__args__]
        found += [(module, "child", kind.VERB) for kind in language.Report.__args__]
    return [word for word in found if word[2] not in QUIET]


def _cases() -> list[Any]:
    made = []
    for number, (module, sender, verb) in enumerate(_words()):
        # Each word with three of the faults in turn, each fault with many of the words: a night takes seconds.
        turns = {FAULTS[(number + step) % len(FAULTS)] for step in (0, 3, 5)}
        for kind in FAULTS:
            if kind not in turns and (module, sender, verb, kind) not in ALWAYS:
                continue
            slow = (module, sender, verb, kind) not in ALWAYS
            made.append(pytest.param(module, sender, verb, kind, marks=[pytest.mark.slow] if slow else [],
                                     id=f"{module[5:]}-{sender}-{verb}-{kind}".replace(" ", "_")))
    return made


def test_the_cases_that_run_always_are_cases() -> None:
    assert {tuple(case.values) for case in _cases()} >= ALWAYS


@pytest.mark.timeout(600)
@pytest.mark.parametrize(("module", "sender", "verb", "kind"), _cases())
def test_a_line_of_a_real_night(
    tmp_path: Path, module: str, sender: str, verb: str, kind: str, fault_cases: object,
) -> None:
    more: dict[str, Any] = {}
    if verb in DIRECT:
        more["dumptype"] = {"holding": "never"}
    if verb in TIGHT:
        more["holding"] = [{"path": str(tmp_path / "site" / "hold"), "use": "2 MiB"},
                           {"path": str(tmp_path / "more"), "use": "2 MiB"}]
        (tmp_path / "more").mkdir()
    if kind in ("dropped", "silent") and module != "core.planner":
        more["run"] = {"child_timeout": "10 s"}  # which is what the night then waits
    site = site_at(tmp_path / "site", **more)
    fault = {"layer": "pipe", "module": module, "sender": sender, "verb": verb, "nth": 1, "kind": kind}
    code = night(site, fault)
    assert happened(site), f"{verb} was not said\n{site.logs()}"
    view = check_night(site)
    if code == 0:
        assert view.count(DiskState.DONE) == 2, site.logs()
    elif view.ended is None:
        assert "NOT FINISHED" in said(site) or "RUN009" in said(site), said(site)
    else:
        report = report_text(view)
        # A driver that dies when all of its run is told is named by amdump.
        assert "NOTES" in report or "FAILED" in report or "RUN009" in said(site), report + site.logs()
    if code != 0:
        next_night(site)
