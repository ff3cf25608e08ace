"""What may be set about this console, what it is now and where that comes from; how the theme looks; what terminal this is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from core.events.view import DiskState
from tui.columns import Column, Entry
from tui.format import number, plural
from tui.look import BAD, BUSY, DISK, GOOD, ODD, WAITS, WANTS, Look
from tui.panes.layout import Row
from tui.panes.protocol import wrapped
from tui.preferences import CONFIRMS, LINKS, SWITCHES, Preferences

COLUMNS = (Column("setting", 18), Column("value", least=22), Column("from", 14, drop=1))


@dataclass(frozen=True, slots=True)
class Setting:
    """One row; ``choices`` empty: enter does something else than taking the next of them."""

    name: str
    title: str
    help: str
    choices: tuple[str, ...] = ()


def settings(themes: list[str]) -> list[Setting]:
    """All of them, in their order."""
    return [
        Setting("theme", "theme", "The colours. Your own themes lie in the themes folder beside console.toml, one TOML file "
                "each; they are read again when they change.", tuple(themes)),
        Setting("link", "rate", "How often the screen is brought up to date. fast: 4 times a second; slow: every 2 seconds; "
                "frugal: every 5; auto: fast until the terminal's answers come late. Keys are painted at once, whatever "
                "stands here.", LINKS),
        Setting("ascii", "ASCII only", "Whether glyphs and lines are drawn with ASCII only. auto: where the terminal has no "
                "more. Holds from the next console on.", SWITCHES),
        Setting("mouse", "mouse", "on: the console takes the mouse; the terminal's own selection then needs shift. Holds "
                "from the next console on.", ("off", "on")),
        Setting("bell", "bell on request", "Whether the terminal's bell rings once for each new request.", ("on", "off")),
        Setting("confirm", "confirm", "all: every act that changes the run is asked about once more; destructive: only those "
                "by which something is lost or stopped. What cannot be undone wants a typed word either way.", CONFIRMS),
        Setting("keys", "keys", "Other keys for the actions: enter lists all of them."),
        Setting("tips", "first-time hints", "One sentence on each screen until esc puts it away. enter shows all of them "
                "again."),
        Setting("seen", "messages seen", "Messages of a run count as new until you have looked at them (x). enter makes all "
                "of them new again."),
    ]


def value(setting: Setting, chosen: Preferences, now: Mapping[str, str]) -> str:
    """As it stands; ``now``: what an ``auto`` comes to, as far as this terminal can show it."""
    match setting.name:
        case "theme":
            return now["theme"] if chosen.theme else f"auto: {now['theme']}"
        case "link" | "ascii":
            picked = str(getattr(chosen, setting.name))
            return f"auto: {now[setting.name]}" if picked == "auto" else picked
        case "mouse" | "bell":
            return "on" if getattr(chosen, setting.name) else "off"
        case "keys":
            return f"{plural(len(chosen.keys), 'key')} of your own" if chosen.keys else "as they come"
        case "tips":
            return "none are shown" if "all" in chosen.tips else f"{len(chosen.tips)} put away" if chosen.tips else "shown"
        case "seen":
            return f"of {plural(len(chosen.seen), 'run')}" if chosen.seen else "none yet"
        case name:
            return str(getattr(chosen, name))


def entries(rows: list[Setting], chosen: Preferences, now: Mapping[str, str]) -> list[Entry]:
    """All settings."""
    usual = Preferences()
    found: list[Entry] = []
    for row in rows:
        own = getattr(chosen, row.name) != getattr(usual, row.name)
        found.append(Entry(row.name, ((row.title, ""), (value(row, chosen, now), "title" if own else ""),
                                      ("console.toml" if own else "default", "" if own else "muted"))))
    return found


def detail(setting: Setting | None, chosen: Preferences, theme: str, file: str, width: int) -> list[Row]:
    """What a setting does, and what it may be; ``theme``: the one that is worn."""
    rows: list[Row] = []
    if setting is not None:
        rows += [((" ", ""), (piece, "")) for piece in wrapped(setting.help, width - 2, width - 2)]
        if setting.choices:
            now = {"mouse": "on" if chosen.mouse else "off", "bell": "on" if chosen.bell else "off"}.get(
                setting.name, str(getattr(chosen, setting.name)))
            rows += [(), *_choices(setting.choices, now or theme, width)]
    return [*rows, (), ((f" {file or 'kept only as long as this console lives'}", "muted"),)]


def _choices(choices: tuple[str, ...], now: str, width: int) -> list[Row]:
    """All of them, in as many rows as they need; the one that holds stands out."""
    rows: list[Row] = []
    spans: list[tuple[str, str]] = [(" ", "")]
    for choice in choices:
        if sum(len(text) for text, _ in spans) + len(choice) + 2 > width and len(spans) > 1:
            rows, spans = [*rows, tuple(spans)], [(" ", "")]
        spans += [(choice, "key" if choice == now else "muted"), ("  ", "")]
    return [*rows, tuple(spans)]


def preview(look: Look) -> list[Row]:
    """The theme: marks, a bar, the colours by what they are for."""
    marks = ((BUSY, "dumping"), (WAITS, "waiting"), (WANTS, "NO-ROOM"), (GOOD, "done"), (ODD, "strange"), (BAD, "failed"),
             (DISK[DiskState.RETRY], "try again"))
    rows: list[Row] = []
    for n in range(0, len(marks), 3):
        rows.append(tuple(span for mark, word in marks[n:n + 3]
                          for span in ((f" {look.glyph(mark)} ", mark.colour), (f"{word:<10}", mark.colour))))
    rows.append(((f" {look.bar(0.62, 20)}  62%", ""),))
    rows.append(((" ordinary ", ""), (" muted ", "muted"), (" title ", "title"), (" key ", "key"), (" focus ", "focus")))
    return rows


def terminal(facts: Mapping[str, str], sent: int, echo: float) -> list[Row]:
    """What terminal this is."""
    rows: list[Row] = [((f" {name:<8} ", "muted"), (text, "")) for name, text in facts.items() if text]
    if sent:
        rows.append(((" sent     ", "muted"), (f"{number(sent >> 10)} KiB since it opened", "")))
    answer = f"{echo * 1000:.0f} ms" if echo else "not measured yet"
    return [*rows, ((" answers  ", "muted"), (answer, ""))]


def problem_rows(problems: list[str], width: int) -> list[Row]:
    """What is wrong with an operator's own files."""
    return [((" ", ""), (piece, "bad")) for problem in problems for piece in wrapped(problem, width - 2, width - 2)]
