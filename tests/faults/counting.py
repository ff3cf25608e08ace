"""Counts the cases of the fault matrix, and prints how many there were at the end of the tests."""

from __future__ import annotations

from collections import Counter

import pytest

LAYERS = {"test_faults_engine": "messages, engine", "test_faults_packets": "messages, client's packets",
          "test_faults_control": "messages, control socket", "test_faults_pipes": "messages, real processes",
          "test_faults_streams": "client's streams", "test_faults_peers": "odd peers",
          "test_faults_writes": "writes of a real night", "test_faults_calls": "writes, call by call"}


@pytest.fixture
def fault_cases() -> None:
    """Marks a test as one case of the matrix."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Each case carries its layer, which also comes through the workers of xdist."""
    for item in items:
        if "fault_cases" in getattr(item, "fixturenames", ()):
            module = item.module.__name__.rpartition(".")[2]  # type: ignore[attr-defined]
            item.user_properties.append(("fault case", LAYERS[module]))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """One line a layer."""
    counts: Counter[tuple[str, str]] = Counter()
    for outcome in ("passed", "failed"):
        for report in terminalreporter.stats.get(outcome, []):
            for name, value in getattr(report, "user_properties", []):
                if name == "fault case" and report.when == "call":
                    counts[str(value), outcome] += 1
    if counts:
        layers = sorted({layer for layer, _ in counts})
        told = ", ".join(f"{counts[layer, 'passed'] + counts[layer, 'failed']} {layer}" for layer in layers)
        failed = sum(n for (_, outcome), n in counts.items() if outcome == "failed")
        terminalreporter.write_sep("-", f"fault matrix: {sum(counts.values())} cases ({told}), {failed} failed")
