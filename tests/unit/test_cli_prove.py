"""The lines that verify and drill draw on a terminal: how far, and how long it will still take."""

from __future__ import annotations

import pytest

from core.cli import drill, show, verify
from core.prove.drill import Progress as Drilling
from core.prove.verify import Progress

MIB = 1 << 20


def test_how_far_and_how_long(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(show, "can_redraw", lambda: True)
    line = verify._Line()
    line.draw(Progress("web1:/home level 0 of 20260101000000", "volume T-001 file 3", MIB, 4 * MIB, 10.0))
    line.draw(Progress("web1:/home", "at once again", 2 * MIB, 4 * MIB, 10.0))
    drawn = capsys.readouterr().out
    assert drawn == "\r\x1b[K25% 1.0 MiB of 4.0 MiB, 30s left: web1:/home level 0 of 20260101000000, volu.."
    line.erase()
    line.erase()
    assert capsys.readouterr().out == "\r\x1b[K"
    other = drill._Line()
    other.draw(Drilling(2, 3, "web1:/home", "restoring", MIB))
    assert capsys.readouterr().out == "\r\x1b[K2 of 3: web1:/home: restoring 1.0 MiB"


def test_nothing_is_drawn_where_a_line_cannot_be_drawn_again(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(show, "can_redraw", lambda: False)
    line = verify._Line()
    line.draw(Progress("t", "p", 0, 0, 0.0))
    line.erase()
    assert capsys.readouterr().out == ""
