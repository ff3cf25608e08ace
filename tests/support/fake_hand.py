"""A hand that does nothing: it keeps what it was asked to do, and answers what it is told to answer."""

from __future__ import annotations

from dataclasses import dataclass, field

from core.errors import TaperoomError
from core.protocol import operator as op
from tui.subject import Key


@dataclass(frozen=True, slots=True)
class FakeDone:
    """An answer."""

    command: str
    text: str


@dataclass
class FakeHand:
    """``asked`` grows; ``fault`` is raised instead of an answer."""

    asked: list[tuple[object, ...]] = field(default_factory=list)
    fault: TaperoomError | None = None

    def _do(self, *asked: object) -> FakeDone:
        self.asked.append(asked)
        if self.fault is not None:
            raise self.fault
        return FakeDone(f"taperoom {asked[0]}", f"{asked[0]} is done")

    def start(self, disks: tuple[Key, ...]) -> FakeDone:
        return self._do("start", disks)

    def export(self, stamp: str) -> FakeDone:
        return self._do("export", stamp)

    def flush(self) -> FakeDone:
        return self._do("flush")

    def force(self, disks: tuple[Key, ...], order: str) -> FakeDone:
        return self._do("force", disks, order)

    def answer(self, name: str, said: op.Answer, by: str) -> FakeDone:
        return self._do("answer", name, said, by)

    def load(self, storage: str, slot: str) -> FakeDone:
        return self._do("load", storage, slot)

    def unload(self, storage: str) -> FakeDone:
        return self._do("unload", storage)

    def label(self, storage: str, slot: str, label: str, force: bool) -> FakeDone:
        return self._do("label", storage, slot, label, force)

    def remove(self, file: str, force: bool) -> FakeDone:
        return self._do("remove", file, force)

    def erase(self, storage: str, label: str, confirm: str) -> FakeDone:
        return self._do("erase", storage, label, confirm)

    def retire(self, storage: str, label: str, undo: bool) -> FakeDone:
        return self._do("retire", storage, label, undo)

    def restore(self, words: tuple[str, ...]) -> FakeDone:
        return self._do("restore", words)

    def stop_restore(self, name: str) -> FakeDone:
        return self._do("stop_restore", name)
