"""``python -m tests.crash [--part I/N] [--only TEXT]``: the whole matrix by hand, a line for each case that fails."""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import time
import traceback
from pathlib import Path

from tests.crash.invariants import hash_of, play
from tests.crash.points import cases_of
from tests.crash.site import CrashSite
from tests.crash.test_crash_matrix import record


def main() -> int:
    """Play; 1 when a case failed."""
    parser = argparse.ArgumentParser(prog="tests.crash")
    parser.add_argument("--part", default="0/1", help="the I-th of N equal parts")
    parser.add_argument("--only", default="", help="cases whose name has this text")
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--cold", action="store_true", help="start every program as a user does (see tests/crash/warm.py)")
    parser.add_argument("--seed", type=int, default=1, help="of the order in which cases are played")
    parser.add_argument("--seconds", type=float, default=1e9, help="begin no case after this time")
    given = parser.parse_args()
    part, of = map(int, given.part.split("/"))
    if not 0 <= part < of:
        parser.error(f"--part {given.part}: the first of {of} parts is 0/{of}, the last {of - 1}/{of}")
    fired = absent = 0
    failed: list[str] = []
    begun = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="crash-") as directory:
        site = CrashSite(Path(directory) / "site", warm=not given.cold)
        cases = cases_of(record(site))
        print(f"{len(cases)} cases in the whole matrix", flush=True)
        chosen = [(number, case) for number, case in enumerate(cases) if hash_of(case) % of == part and given.only in case.id]
        random.Random(given.seed).shuffle(chosen)  # so that a part of them is spread over the night, too
        if given.list:
            print("\n".join(case.id for _, case in chosen))
            return 0
        for number, case in chosen:
            if time.monotonic() - begun > given.seconds:
                print("time is over", flush=True)
                break
            try:
                if play(site, case, cleanup=number % 2 == 0).fired:
                    fired += 1
                    print(f"good {case.id}", flush=True)
                else:
                    absent += 1
                    print(f"not reached: {case.id}", flush=True)
            except Exception as fault:
                failed.append(case.id)
                print(f"FAILED {case.id}: {str(fault)[:3000]}", flush=True)
                if not isinstance(fault, AssertionError):
                    traceback.print_exc(file=sys.stdout)
    print(f"{fired} crashes played, {absent} not reached, {len(failed)} failed in {time.monotonic() - begun:.0f} s: {failed}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
