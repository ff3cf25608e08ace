"""The difference driver's two grids: what is sent makes the terminal show what was wanted, and nothing else gets through."""

from __future__ import annotations

import pyte
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tui.cells import Cells, is_frame

WIDTH, HEIGHT = 20, 4

texts = st.text(st.sampled_from("abc xyz█░目é"), max_size=25)
moves = st.tuples(st.integers(1, HEIGHT), st.integers(1, WIDTH), st.sampled_from(["", "1", "38;2;1;2;3"]), texts)


def frame(parts: list[tuple[int, int, str, str]]) -> str:
    return "".join(f"\x1b[{y};{x}H\x1b[{style}m{text}\x1b[0m" for y, x, style, text in parts)


def screen_of(*bursts: str) -> list[str]:
    screen = pyte.Screen(WIDTH, HEIGHT)
    stream = pyte.Stream(screen)
    for burst in bursts:
        stream.feed(burst)
    return list(screen.display)


def wanted(cells: Cells) -> list[str]:
    return ["".join(row.chars) for row in cells._want]


@settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow])  # a machine that does much else is no fault of it
@given(st.lists(st.lists(moves, min_size=1, max_size=4), min_size=1, max_size=4), st.integers(1, 200))
def test_the_terminal_comes_to_show_what_is_wanted(frames: list[list[tuple[int, int, str, str]]], budget: int) -> None:
    cells, bursts = Cells(WIDTH, HEIGHT), list[str]()
    for parts in frames:
        cells.take(frame(parts))
        bursts.append(cells.diff(budget))
    while cells.dirty:
        bursts.append(cells.diff(budget))
    assert not cells.diff()
    assert all(have.chars == want.chars for have, want in zip(cells._have, cells._want, strict=True)
               if have.chars != ["\0"] * WIDTH)
    shown = screen_of(*bursts)
    for y, row in enumerate(cells._want):
        if "目" not in "".join(row.chars):
            assert shown[y] == "".join(row.chars)


def test_only_what_changed_is_sent() -> None:
    cells = Cells(80, 24)
    cells.take(frame([(5, 1, "", "dumper0 dumping  62%" + " " * 60)]))
    assert "62%" in cells.diff()
    cells.take(frame([(5, 1, "", "dumper0 dumping  63%" + " " * 60)]))
    assert cells.diff() == "\x1b[5;19H3"
    cells.take(frame([(5, 1, "", "dumper0 dumping  63%" + " " * 60)]))
    assert cells.diff() == ""
    cells.forget()
    assert "dumper0" in cells.diff()
    cells.forget()
    cells.drop()
    assert not cells.dirty


def test_over_budget_the_cheapest_row_goes_first_and_the_rest_later() -> None:
    cells = Cells(80, 3)
    cells.forget()
    cells.diff()
    cells.take(frame([(1, 1, "", "x" * 80), (2, 1, "", "y"), (3, 1, "", "z" * 40)]))
    first = cells.diff(30)
    assert "y" in first and "x" not in first and cells.dirty
    assert "z" in cells.diff(100)
    assert "x" in cells.diff(100)


def test_no_control_and_no_command_of_a_name_reaches_the_terminal() -> None:
    cells = Cells(60, 2)
    cells.take("\x1b[1;1Ha\x1b]52;c;aGFjaw==\x07b\x1bPq\x1b\\c\x07\x08\x9b2Jd\x1b]8;;http://x\x1b\\e\x1b[6nf")
    sent = cells.diff()
    assert "aGFjaw" not in sent and "http" not in sent
    assert all(char.isprintable() or char == "\x1b" for char in sent)
    assert "".join(cells._want[0].chars).startswith("abc��")


def test_what_lies_outside_is_left_out() -> None:
    cells = Cells(5, 2)
    cells.take("\x1b[9;1Hxxx\x1b[1;4H目目\x1b[2;1Hab\ncd")
    assert wanted(cells) == ["   目", "ab   "]


def test_a_frame_is_known_by_its_move() -> None:
    assert is_frame("\x1b[1;1Hx") and not is_frame("\x1b[?25l") and not is_frame("\x1b]2;t\x07")
