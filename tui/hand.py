"""The hand that does what an operator does outside a run: `core.client.act` on the site of this state directory.

Everything here blocks and is called from a worker's thread; errors are TaperoomErrors.  The site is found when it is first
needed, so that the console opens without one.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from tui.subject import Key, title_of

if TYPE_CHECKING:
    from core.model.site import Site
    from core.protocol import operator as op


class Done(Protocol):
    """What came of it, and the command that does the same."""

    @property
    def command(self) -> str:
        """As a shell takes it."""

    @property
    def text(self) -> str:
        """One sentence."""


@dataclass(frozen=True, slots=True)
class Several:
    """Several acts told as one."""

    command: str
    text: str


class Hand(Protocol):
    """What may be done."""

    def start(self, disks: tuple[Key, ...]) -> Done:
        """Begin a run of all disks, or of these."""

    def flush(self) -> Done:
        """Begin a run that only writes what is on the holding disk."""

    def force(self, disks: tuple[Key, ...], order: str) -> Done:
        """Order a full (``full``) of these disks for the next run, or take orders back (empty)."""

    def load(self, storage: str, slot: str) -> Done:
        """Make a slot the current one."""

    def unload(self, storage: str) -> Done:
        """Make no slot the current one."""

    def label(self, storage: str, slot: str, label: str, force: bool) -> Done:
        """Give the volume in a slot a label; with ``force`` whatever is on it."""

    def erase(self, storage: str, label: str, confirm: str) -> Done:
        """Erase what is on a volume; with its label in ``confirm`` even what is still needed."""

    def retire(self, storage: str, label: str, undo: bool) -> Done:
        """Keep a volume from ever being overwritten, or take that back."""

    def remove(self, file: str, force: bool) -> Done:
        """Remove a dump from the holding disk; with ``force`` even one that is on no volume."""

    def restore(self, words: tuple[str, ...]) -> Done:
        """Start this ``taperoom restore …`` as a process of its own."""

    def stop_restore(self, name: str) -> Done:
        """Interrupt the restore of that name."""

    def answer(self, name: str, said: op.Answer, by: str) -> Done:
        """Answer a request of the restore of that name."""

    def export(self, stamp: str) -> Done:
        """Write a run to one file."""


class SiteHand:
    """The hand on a real site."""

    def __init__(self, state_dir: Path) -> None:
        self._state_dir = state_dir
        self._site: Site | None = None

    def site(self) -> Site:
        """The configuration.  UsageError CFG001 when there is none."""
        from core.client.site import open_site

        if self._site is None:
            self._site = open_site(self._state_dir)
        return self._site

    def export(self, stamp: str) -> Done:
        """Write a run to one file in the home directory."""
        from core.client.bundle import export_run
        from core.client.runs import Run
        from tui.commands import words

        home = Path.home()
        written = export_run(Run(self._state_dir / "runs" / stamp), home)
        return Several(words("export", stamp, str(home)), f"written to {written}; taperoom replay plays it anywhere")

    def start(self, disks: tuple[Key, ...]) -> Done:
        """Begin a run of all disks, or of these."""
        from core.client import act

        return act.start_run(self.site(), [title_of(key) for key in disks])

    def flush(self) -> Done:
        """Begin a run that only writes what is on the holding disk."""
        from core.client import act

        return act.start_flush(self.site())

    def force(self, disks: tuple[Key, ...], order: str) -> Done:
        """Order a full (``full``) of these disks for the next run, or take orders back (empty)."""
        from core.client import act

        done = [act.force(self.site(), title_of(key), order) for key in disks]
        text = done[0].text if len(done) == 1 else f"{len(done)} disks: {done[0].text}, and the like"
        return Several(" && ".join(one.command for one in done), text)

    def load(self, storage: str, slot: str) -> Done:
        """Make a slot the current one."""
        from core.client import act

        return act.load(self.site(), storage, slot)

    def unload(self, storage: str) -> Done:
        """Make no slot the current one."""
        from core.client import act

        return act.unload(self.site(), storage)

    def label(self, storage: str, slot: str, label: str, force: bool) -> Done:
        """Give the volume in a slot a label; with ``force`` whatever is on it."""
        from core.client import act

        return act.label(self.site(), storage, label, slot, insist=force)

    def remove(self, file: str, force: bool) -> Done:
        """Remove a dump from the holding disk; with ``force`` even one that is on no volume."""
        from core.client import act

        return act.remove_holding(self.site(), Path(file), insist=force)

    def erase(self, storage: str, label: str, confirm: str) -> Done:
        """Erase what is on a volume; with its label in ``confirm`` even what is still needed."""
        from core.client import act

        return act.erase(self.site(), storage, label, confirm=confirm)

    def retire(self, storage: str, label: str, undo: bool) -> Done:
        """Keep a volume from ever being overwritten, or take that back."""
        from core.client import act

        return act.retire(self.site(), storage, label, undo=undo)

    def restore(self, words: tuple[str, ...]) -> Done:
        """Start this ``taperoom restore …`` as a process of its own."""
        from core.client import restores

        begun = restores.begin(self.site(), words)
        return Several(begun.command, "the restore began; it goes on without this console")

    def stop_restore(self, name: str) -> Done:
        """Interrupt the restore of that name."""
        from core.client import restores

        found = restores.look(self._state_dir / restores.DIRECTORY / name)
        restores.stop(found)
        return Several("", f"the restore to {found.to} is interrupted")

    def answer(self, name: str, said: op.Answer, by: str) -> Done:
        """Answer a request of the restore of that name."""
        from core.client import restores

        return Several("", restores.answer(self._state_dir, name, said, by))
