"""Every action of the console, once: the hint row, ``?``, the palette, ``:`` and the key bindings are made of this table.

Lower case looks or is harmless; capitals change something outside and need an operator.  An operator may put other keys
to the ids (Textual's key map), so no other file names a key.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Where = Literal["all", "run", "plan", "protocol", "tapes", "holding", "history", "clients", "restore",
                "settings", "dump", "messages", "keymap", "restores"]


@dataclass(frozen=True, slots=True)
class Action:
    """``action`` is Textual's name of it; ``hint`` the word in the hint row, empty: only in ``?``; ``rank`` 0 stays longest."""

    id: str
    keys: str
    action: str
    hint: str
    help: str
    where: tuple[Where, ...] = ("all",)
    operates: bool = False
    rank: int = 5
    shown: str = ""

    @property
    def act(self) -> str:
        """The name of an act of an operator (see `tui.acting`); empty for what only looks."""
        name, _, argument = self.action.partition("(")
        return argument.strip("')") if name == "act" else ""

    @property
    def key(self) -> str:
        """The key as it is shown."""
        return self.shown or self.keys.partition(",")[0]


@dataclass(frozen=True, slots=True)
class Place:
    """A screen: its digit, its name for ``:``, the word in the hint row and what it answers."""

    digit: str
    name: Where
    title: str
    help: str


PLACES: tuple[Place, ...] = (
    Place("1", "run", "Run", "what happens now, and what waits for me"),
    Place("2", "plan", "Plan", "what is dumped tonight, and why"),
    Place("3", "protocol", "Proto", "what was said between whom"),
    Place("4", "tapes", "Tapes", "which volumes are written"),
    Place("5", "holding", "Hold", "what is not yet on a volume, and the room left"),
    Place("6", "clients", "Clients", "who would work, and whose fulls are overdue"),
    Place("7", "history", "Hist", "how earlier runs went; opens one"),
    Place("8", "restore", "Restore", "what can be had back, and from which volumes"),
    Place("9", "settings", "Set", "how this console looks, how often it paints, its keys"),
)

ACTIONS: tuple[Action, ...] = (
    Action("reply", "r", "reply", "answer", "answer a request, this disk's first", rank=1),
    Action("follow", "space", "toggle_follow", "pause",
           "hold the traffic where it is, or let it flow; where none flows: mark this disk", ("run", "protocol", "dump"),
           rank=4),
    Action("channel", "c", "channel(1)", "channel", "only the next channel, then all again",
           ("protocol",), rank=4),
    Action("word", "w", "word(1)", "word", "only the next word (NO-ROOM, DONE …), then all",
           ("protocol",), rank=4),
    Action("same", "v", "same", "same handle", "only lines with the handle of this one", ("protocol",), rank=6),
    Action("mark_line", "m", "mark", "mark", "mark this line, or not any more; e and Y take the marked ones", ("protocol",),
           rank=6),
    Action("near", "n", "near(1)", "", "the next line of this handle; of marks where there are any", ("protocol",)),
    Action("near_back", "N", "near(-1)", "", "the last line of this handle before; of marks where there are any",
           ("protocol",)),
    Action("export", "e", "export", "export", "write the marked lines, or what is shown, to a file", ("protocol",), rank=6),
    Action("copy", "y", "copy", "copy", "copy this line to the terminal's clipboard", ("protocol",), rank=7),
    Action("copy_all", "Y", "copy_all", "", "copy the marked lines, or what is shown", ("protocol",)),
    Action("waits", "w", "waits", "waits", "NO-ROOM, TRY-AGAIN and the tape alone, and back", ("run",), rank=6),
    Action("zoom", "z", "zoom", "zoom", "the pane with the keyboard at full size, and back", ("run",), rank=6),
    Action("traffic", "p", "traffic", "traffic", "the traffic of the disk under the cursor",
           ("run", "plan", "holding", "dump"), rank=5),
    Action("open", "enter", "open", "open", "open the run under the cursor", ("history",), rank=2),
    Action("change", "enter", "open", "change", "the next value of this setting", ("settings",), rank=2),
    Action("turn", "right,l", "turn(1)", "", "the next value of this setting, too", ("settings",)),
    Action("turn_back", "left,h", "turn(-1)", "", "the last value of this setting", ("settings",)),
    Action("rekey", "enter", "open", "another key", "another key for this action", ("keymap",), rank=2),
    Action("usual", "d", "usual", "usual key", "its usual key again", ("keymap",), rank=3),
    Action("report", "v", "report", "report", "the report of this run", ("history",), rank=4),
    Action("by_disk", "t", "by_disk", "by disk", "how each disk is covered; enter shows its nights; again: the runs",
           ("history",), rank=4),
    Action("export_run", "e", "export", "export", "write this run to one file, to be replayed anywhere", ("history",), rank=6),
    Action("detail", "enter", "open", "detail", "the story of the disk under the cursor", ("run", "plan", "holding"),
           rank=3),
    Action("contents", "enter", "open", "contents", "what is on this volume; there: the story of that dump", ("tapes",),
           rank=4),
    Action("page", "enter", "open", "page", "what the message under the cursor means", ("dump", "messages"), rank=3),
    Action("only", "o", "only", "only", "only the disk under the cursor, on every screen; again: all disks", rank=7),
    Action("explain", "x", "explain", "explain", "what the message under the cursor means; without one, all messages",
           rank=6),
    Action("current", "l", "current", "live", "back to the live or the last run", ("history",), rank=3),
    Action("check", "c", "check", "check", "ask this client whether it would work", ("clients",), rank=3),
    Action("check_all", "a", "check_all", "check all", "ask all clients", ("clients",), rank=4),
    Action("into", "enter", "open", "open", "into this disk, date or directory; the beginning of this file", ("restore",),
           rank=2),
    Action("up", "backspace,minus", "up", "up", "one step back: out of a directory, a date, a disk", ("restore",), rank=6),
    Action("mark_name", "space", "mark", "mark", "mark this name and all below it, or not any more", ("restore",), rank=2),
    Action("unmark", "U", "unmark", "", "mark nothing any more", ("restore",)),
    Action("restore", "R", "act('restore')", "restore", "restore what is marked: it tells what that takes, then it asks",
           ("restore",), True, 1),
    Action("older", "left,h", "step_date(-1)", "dump", "the same as the dump before saw it", ("restore",), rank=3,
           shown="left right"),
    Action("newer", "right,l", "step_date(1)", "", "the same as the dump after saw it", ("restore",)),
    Action("date", "equals_sign", "date", "date", "choose another date from a list", ("restore",), rank=5, shown="="),
    Action("versions", "i", "versions", "versions", "which dumps have this name; the line of dumps shows it, too", ("restore",),
           rank=6),
    Action("find", "f", "find", "find", "a name anywhere on this disk; enter goes to where it is", ("restore",), rank=5),
    Action("preview", "v", "preview", "view", "look at the beginning of this file", ("restore",), rank=5),
    Action("restores", "w", "restores", "", "the restores that go on, and the last ones", ("restore",)),
    Action("copy_command", "y", "copy", "copy", "copy the command that restores what is marked, or that did",
           ("restore", "restores"), rank=7),
    Action("stop_restore", "K", "act('stop_restore')", "interrupt", "interrupt this restore, as ctrl-c does",
           ("restores",), True, 3),
    Action("filter", "slash", "filter", "filter", "only what has this text (!x: without x); esc: all",
           rank=3, shown="/"),
    Action("go", "colon", "go", "go", "go to :tapes, :disk web1:/home, :run 20261201 …",
           rank=4, shown=":"),
    Action("coming", "n", "coming", "tonight", "what the coming night would dump, as history tells it; again: this run's plan",
           ("plan",), rank=6),
    Action("mark", "space", "mark", "mark", "mark this disk for s and f, or not any more; esc: none", ("plan",), rank=6),
    Action("start", "s", "act('start')", "start", "start a run: of the marked disks, else of all", ("run", "plan"), True, 3),
    Action("abort", "A", "act('abort')", "abort", "give up the dump under the cursor", ("run",), True, 8),
    Action("retry", "R", "act('retry')", "retry", "dump a failed disk again, or one that waits for that now", ("run",),
           True, 8),
    Action("hold", "H", "act('hold')", "hold", "do not start the disk under the cursor, or release it", ("run", "plan"),
           True, 8),
    Action("priority", "O", "act('priority')", "priority", "dump it sooner or later than others that wait", ("run", "plan"),
           True, 9),
    Action("pause_run", "P", "act('pause')", "hold run", "start no new dump, or start them again", ("run",), True, 8),
    Action("stop", "S", "act('stop')", "stop", "end the run: after the dumps under way, or now", ("run",), True, 8),
    Action("degrade", "D", "act('degrade')", "degrade", "go on without a volume", ("run", "tapes"), True, 9),
    Action("flush", "F", "act('flush')", "flush", "write what is on the holding disk to volumes now", ("run", "holding"),
           True, 7),
    Action("force", "f", "act('force')", "full", "ask the next run for a full of the marked disks, or this one",
           ("run", "plan"), True, 6),
    Action("undo", "u", "act('undo')", "undo", "take back what was asked of the next run", ("run", "plan"), True, 7),
    Action("load", "l", "act('load')", "load", "put the volume of this slot into the drive", ("tapes",), True, 5),
    Action("unload", "u", "act('unload')", "unload", "put the volume in the drive back", ("tapes",), True, 6),
    Action("label", "L", "act('label')", "label", "give the volume of this slot a label", ("tapes",), True, 6),
    Action("scan", "s", "scan", "scan", "look through all slots again", ("tapes",), rank=6),
    Action("erase", "E", "act('erase')", "erase", "erase what is on this volume; its label stays", ("tapes",), True, 8),
    Action("retire", "N", "act('retire')", "no reuse", "never overwrite this volume, or take that back", ("tapes",), True, 9),
    Action("remove", "D", "act('remove')", "remove", "remove this dump from the holding disk", ("holding",), True, 6),
    Action("travel", "t", "travel", "time", "the past of this run; again: back to now",
           ("run", "plan", "protocol", "tapes", "holding"), rank=8),
    Action("acts", "at", "acts", "", "what operators did, and the equal commands", shown="@"),
    Action("theme", "T", "theme", "", "the next theme"),
    Action("redraw", "ctrl+l", "redraw", "", "paint the whole screen again", shown="ctrl+l"),
    Action("suspend", "ctrl+z", "suspend_process", "", "put the console to sleep; fg brings it back", shown="ctrl+z"),
    Action("help", "question_mark,f1", "help", "help", "this page", rank=0, shown="?"),
    Action("detach", "q,ctrl+q", "detach", "detach", "leave the console; the run goes on", rank=0),
)

TIME: tuple[Action, ...] = (
    Action("time.pause", "space", "time('pause')", "play", "let the time go on, or stand still", rank=2),
    Action("time.next", "right_square_bracket", "time('next')", "", "to the next mark: NO-ROOM, TRY-AGAIN, FAILED, a request",
           shown="]"),
    Action("time.previous", "left_square_bracket", "time('previous')", "jump", "to the last mark before this", rank=3,
           shown="[ ]"),
    Action("time.on", "full_stop", "time('on')", "", "one fact on", shown="."),
    Action("time.back", "comma", "time('back')", "step", "one fact back", rank=3, shown=", ."),
    Action("time.to", "greater_than_sign", "time('to')", "", "a twentieth of the night on", shown=">"),
    Action("time.fro", "less_than_sign", "time('fro')", "scrub", "a twentieth of the night back", rank=5, shown="< >"),
    Action("time.faster", "plus,equals_sign", "time('faster')", "speed", "faster, up to 1000 times", rank=4, shown="+ -"),
    Action("time.slower", "minus", "time('slower')", "", "slower, down to as it was", shown="-"),
    Action("time.kind", "M", "time('kind')", "which marks", "[ and ] stop at one kind of mark only, then at all", rank=7),
)
"""The keys of a replay and of the past: they come before those of the screens, and only while one is shown."""

MOVES: tuple[tuple[str, str], ...] = (
    ("up down j k", "one row"), ("pgup pgdn ctrl+b ctrl+f", "one page"), ("g G home end", "first, last row"),
    ("left right", "shift long lines"), ("tab shift+tab", "next, last pane; its title is marked with >"),
    ("esc", "back: close, show all again"), ("ctrl+p", "every action by name"), ("ctrl+c", "nothing: q detaches"),
)


def actions_of(where: str, *, in_time: bool = False) -> list[Action]:
    """The actions of a screen, its own first, with their usual keys; ``in_time``: while a replay or the past is shown."""
    own = [action for action in ACTIONS if where in action.where]
    if in_time:
        taken = {key for action in TIME for key in action.keys.split(",")}
        own = [*TIME, *(action for action in own if not action.act and action.keys not in taken)]
    return own + [action for action in ACTIONS if "all" in action.where]


def place(name: str) -> Place | None:
    """The screen of that name, digit or beginning of a name."""
    name = name.strip().lower()
    return next((p for p in PLACES if name and (p.name.startswith(name) or p.digit == name)), None)
