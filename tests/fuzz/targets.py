"""All that is fuzzed, by name: a function that takes any bytes and raises nothing but what is not documented."""

from __future__ import annotations

from collections.abc import Callable

from hypothesis.strategies import SearchStrategy

from tests.fuzz import amanda, files, landing, people, records, wire

Target = tuple[Callable[[bytes], None], SearchStrategy[bytes]]
TARGETS: dict[str, Target] = {
    **wire.TARGETS, **records.TARGETS, **files.TARGETS, **amanda.TARGETS,
    **landing.TARGETS, **people.TARGETS}
