"""``python docs/screenshots.py [DIR]``: the README's pictures, from a real run of the demo site.

It makes the demo in a temporary directory, with its two nights, and shows the console at chosen moments on a screen that is
nowhere.  Pictures are SVG without anything from elsewhere; names and paths in them are the demo's.
"""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
os.environ.update({"TEXTUAL_ANIMATIONS": "none", "TEXTUAL_COLOR_SYSTEM": "truecolor", "TERM": "xterm-256color",
                   "XDG_CONFIG_HOME": "/nonexistent"})

from core.client.runs import Run, list_runs  # noqa: E402
from core.events.view import DiskState  # noqa: E402
from tui.app import ConsoleApp  # noqa: E402
from tui.replaying import Playing  # noqa: E402

WIDE, NARROW = (120, 40), (80, 24)


@dataclass(frozen=True, slots=True)
class Picture:
    """``keys`` are pressed on a replay at a ``moment`` of a run, or on the site as it stands where there is none."""

    name: str
    keys: tuple[str, ...] = ()
    size: tuple[int, int] = WIDE
    moment: Callable[[Playing], float] | None = None
    theme: str = "night"


def busiest(playing: Playing) -> float:
    """When most dumps were under way or being written."""
    best, found = -1, playing.replay.began
    for step in range(200):
        at = playing.replay.began + (playing.replay.ended - playing.replay.began) * step / 200
        playing.seek(at)
        count = 2 * playing.view.count(DiskState.DUMPING) + playing.view.count(DiskState.WRITING, DiskState.DONE)
        count += len(playing.gauges.progress)
        if playing.view.count(DiskState.DUMPING) and count > best:
            best, found = count, at
    return found


PICTURES = (
    Picture("run", moment=busiest), Picture("run-narrow", size=NARROW, moment=busiest),
    Picture("run-paper", moment=busiest, theme="paper"), Picture("protocol", ("3",), moment=busiest),
    Picture("last-run"), Picture("plan", ("2",)), Picture("tapes", ("4",)), Picture("holding", ("5",)),
    Picture("clients", ("6",)), Picture("history", ("7",)), Picture("restore", ("8",)), Picture("detail", ("enter",)),
    Picture("help", ("question_mark",)),
)


def make_demo(directory: Path) -> Path:
    """The demo site with its two nights; its state directory."""
    done = subprocess.run(
        [sys.executable, "-P", "-c", "import sys; sys.path.insert(0, sys.argv.pop(1)); from core.cli.main import main; main()",
         str(ROOT), "demo", "--batch", str(directory)], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"the demo failed: {done.stdout[-2000:]}{done.stderr[-2000:]}")
    os.environ["TAPEROOM_CONFIG"] = str(directory / "taperoom.toml")
    return directory / "state"


async def draw(picture: Picture, state_dir: Path, to: Path) -> None:
    """One picture."""
    playing = None
    if picture.moment is not None:
        playing = Playing(Run(list_runs(state_dir)[0].path))
        playing.seek(picture.moment(playing))
        playing.replay.paused = True
    app = ConsoleApp(state_dir, serve=False, theme=picture.theme, playing=playing)
    app.feed.who = "ana"
    async with app.run_test(size=picture.size) as pilot:
        await _settled(app, pilot)
        for key in picture.keys:
            await pilot.press(key)
            await _settled(app, pilot)
        app.clear_notifications()
        await pilot.pause()
        svg = app.export_screenshot(title=f"taperoom: {picture.name}")
    (to / f"{picture.name}.svg").write_text(_alone(svg))


async def _settled(app: ConsoleApp, pilot: Any) -> None:
    for _ in range(3):
        await app.workers.wait_for_complete()
        app.step()
        await pilot.pause()


def _alone(svg: str) -> str:
    """Without fonts from elsewhere; the same text gives the same file."""
    svg = re.sub(r"@font-face\s*\{[^}]*\}\s*", "", svg)
    svg = svg.replace("Fira Code", "DejaVu Sans Mono, Menlo, Consolas").replace(
        "font-family: arial;", "font-family: DejaVu Sans, Arial, sans-serif;")
    # The checkout is one of the demo's disks; its name is none of a reader's business, and its length keeps the columns.
    svg = svg.replace(str(ROOT), ("/srv/" + "shelf" * 30)[:len(str(ROOT))])
    return re.sub(r"terminal-\d+", "terminal", svg)


def main() -> None:
    """All pictures."""
    to = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "docs" / "screenshots"
    to.mkdir(parents=True, exist_ok=True)
    work = Path(tempfile.gettempdir()) / "taperoom"  # the same name each time: it is in the pictures
    try:
        work.mkdir(mode=0o700)
    except FileExistsError:
        sys.exit(f"{work} is in the way: remove it first")
    try:
        state_dir = make_demo(work / "demo")
        for picture in PICTURES:
            asyncio.run(draw(picture, state_dir, to))
            print(to / f"{picture.name}.svg")
    finally:
        shutil.rmtree(work, ignore_errors=True)


if __name__ == "__main__":
    main()
