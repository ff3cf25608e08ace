"""A restore asks for a volume: a request as a run has them, with a number, a default and a deadline, which withdraws itself
when the volume is there.

The restore waits meanwhile, so it listens on its own control socket and looks at the changer: at a glance every few seconds,
which costs a drive nothing, and at every label now and then, or when somebody says so.
"""

from __future__ import annotations

import asyncio
import os
import shlex
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from core.catalogue.journal import append
from core.client import restores
from core.client.acts import who
from core.client.listening import Control
from core.client.runs import Run
from core.engine import questions
from core.engine.effects import Journal, Reply
from core.engine.inputs import Answered, Input
from core.engine.state import Question
from core.events.event import Choice, OperatorActed, QuestionAsked, QuestionClosed
from core.model.site import Site
from core.model.units import show_size
from core.protocol import operator as op
from core.report.text import count
from core.restore.shelves import Answer, There, Wanted

LOOK = 2.0
"""Seconds between two glances at the changers."""
LOOK_CLOSELY = 300.0
"""Seconds after which every label is read although nothing seems to have changed."""
CODE = "RST040"
_FAREWELL = 1.0
_DONE, _SKIP, _STOP = "done", "skip", "stop"
_ANSWERS = {_SKIP: Answer.SKIP, _STOP: Answer.STOP}


@dataclass(slots=True)
class _Register:
    """What `core.engine.questions` needs of whoever asks."""

    site: Site
    now: float
    asked: int
    questions: dict[int, Question] = field(default_factory=dict)
    closed: dict[int, str] = field(default_factory=dict)
    policies_used: set[tuple[str, str]] = field(default_factory=set)


class Asker:
    """Asks in the name of one restore, whose command line is ``command``.  ``told`` hears of every request and how it ended.

    Nothing is written before the first request.  StartError RUN003.
    """

    def __init__(
        self, site: Site, command: str, told: Callable[[QuestionAsked | QuestionClosed], None],
    ) -> None:
        self._site, self._command, self._told = site, command, told
        self._run: Run | None = None
        self._lock = -1
        self._register = _Register(site, time.time(), 0)

    def __call__(self, wanted: Wanted, there: There) -> Answer:
        """Ask for a volume and wait for it; how it ended."""
        if self._run is None:
            self._run = restores.mine(self._site.state_dir)
            if self._run is None:
                self._run, self._lock = restores.take(self._site.state_dir, shlex.split(self._command))
            self._register.asked = restores.STEP * restores.number_of(self._run)
            append(self._run.journal, OperatorActed(who(), self._command, "it needs a volume"))
        return asyncio.run(_Wait(self._run, self._register, wanted, there, self._keep).to_the_end())

    def _keep(self, facts: Iterable[Journal]) -> None:
        """On disk, then told."""
        assert self._run is not None
        for fact in facts:
            append(self._run.journal, fact.event)
            if isinstance(fact.event, QuestionAsked | QuestionClosed):
                self._told(fact.event)

    def close(self, result: str, code: int) -> None:
        """The restore is over, with this exit code."""
        if self._run is not None:
            append(self._run.journal, OperatorActed(who(), self._command, result))
            if self._lock >= 0:  # the directory is our own, and nobody keeps us
                restores.end(self._run, code)
                os.close(self._lock)
            self._run = None


class _Wait:
    """One request, from its first word to its last."""

    def __init__(
        self, run: Run, register: _Register, wanted: Wanted, there: There, keep: Callable[[Iterable[Journal]], None],
    ) -> None:
        self._run, self._register, self._wanted, self._there, self._keep = run, register, wanted, there, keep
        self._control = Control(self._hear)
        self._answer: Answer | None = None
        self._woken = asyncio.Event()
        self._id = 0

    async def to_the_end(self) -> Answer:
        """Ask, and wait for whatever comes first: the volume, an answer, the deadline."""
        await self._control.listen(self._run.control)
        try:
            self._ask()
            closely = time.monotonic() + LOOK_CLOSELY
            while self._answer is None:
                self._register.now = time.time()
                if time.monotonic() >= closely:
                    closely = time.monotonic() + LOOK_CLOSELY
                    self._look(True)
                else:
                    self._look(False)
                for question in questions.due(self._register):
                    self._end(_ANSWERS.get(question.default, Answer.SKIP), question.default, question.by)
                if self._answer is None:
                    await self._rest()
            return self._answer
        except BaseException:
            self._keep(questions.withdraw(self._register, self._id))
            raise
        finally:
            self._control.over()
            await self._control.close()
            # Who asked last gets the answer before the loop ends.
            if others := asyncio.all_tasks() - {asyncio.current_task()}:
                await asyncio.wait(others, timeout=_FAREWELL)

    async def _rest(self) -> None:
        left = self._register.questions[self._id].asked.deadline - time.time()
        try:
            await asyncio.wait_for(self._woken.wait(), max(0.0, min(LOOK, left)))
        except TimeoutError:
            return
        self._woken.clear()

    def _ask(self) -> None:
        wanted = self._wanted
        waiting = f"{count(wanted.names, 'name')} of it, about {show_size(wanted.size)} to be read"
        at = "is needed to go on with" if wanted.under_way else "is needed for"
        self._register.now = time.time()
        self._keep(questions.ask(
            self._register, "volume", wanted.label, code=CODE, severity="A", title=wanted.storage,
            text=f"load volume {wanted.label}, which {at} {wanted.why}: {waiting}",
            choices=[Choice(_DONE, "the slots are looked at again at once"),
                     Choice(_SKIP, "the restore goes on without it; the same command fetches what is missing then"),
                     Choice(_STOP, "the restore ends here; what is whole stays, and the same command goes on from there")],
            default=_SKIP, patience=self._register.site.run.request_deadline))
        self._id = self._register.asked

    def _look(self, closely: bool) -> bool:
        if self._answer is None and self._there(closely):
            self._end(Answer.HERE, "", "withdrawn")
        return self._answer is Answer.HERE

    def _end(self, answer: Answer, choice: str, by: str) -> None:
        question = self._register.questions.get(self._id)
        if question is not None:
            self._answer = answer
            self._keep(questions.close(self._register, question, choice, "", by))
            self._woken.set()

    def _hear(self, said: Input) -> None:
        """An answer or an order from another terminal."""
        self._control.reply(Reply(self._answered(said)))

    def _answered(self, said: Input) -> op.Ok | op.Refused:
        if not isinstance(said, Answered):
            return op.Refused("this is a restore: it takes answers to its requests only")
        if why := questions.refusal(self._register, said):
            return op.Refused(why)
        if said.choice == _DONE:
            if not self._there(True):
                return op.Refused(f"volume {self._wanted.label} is in no slot of storage {self._wanted.storage} yet")
            self._end(Answer.HERE, _DONE, said.by)
            return op.Ok()
        self._end(_ANSWERS[said.choice], said.choice, said.by)
        return op.Ok()
