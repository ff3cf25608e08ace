"""``python -m tests.fuzz [--seconds N] [TARGET …]``: new inputs for each target until its time is over.

A finding ends its target and is printed with the input that is left after Hypothesis made it small.
"""

from __future__ import annotations

import argparse
import sys
import time
from random import SystemRandom

from hypothesis import HealthCheck, Phase, given, seed, settings

from tests.fuzz.targets import TARGETS

ROUND = 2000
"""Inputs between two looks at the clock."""


def fuzz(name: str, seconds: float) -> tuple[int, str]:
    """Try inputs for so long; how many, and what was found."""
    run, strategy = TARGETS[name]
    count = 0
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        number = SystemRandom().getrandbits(64)

        @seed(number)
        @settings(max_examples=ROUND, deadline=None, database=None, suppress_health_check=list(HealthCheck),
                  phases=[Phase.generate, Phase.shrink], print_blob=True)
        @given(strategy)
        def once(data: bytes) -> None:
            nonlocal count
            count += 1
            if time.monotonic() < until + 60:
                run(data)

        try:
            once()
        except Exception as fault:
            import traceback

            return count, "".join(traceback.format_exception(fault))
    return count, ""


def main() -> int:
    """Fuzz what is named, or everything; 1 when something was found."""
    parser = argparse.ArgumentParser(prog="fuzz")
    parser.add_argument("targets", nargs="*", metavar="TARGET", help=" ".join(TARGETS))
    parser.add_argument("--seconds", type=float, default=600.0, help="for each target")
    given = parser.parse_args()
    found = 0
    for name in given.targets or list(TARGETS):
        began = time.monotonic()
        count, fault = fuzz(name, given.seconds)
        took = time.monotonic() - began
        print(f"{name}: {count} inputs in {took:.0f} s, {'FOUND' if fault else 'nothing found'}\n{fault}", end="", flush=True)
        found += bool(fault)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
