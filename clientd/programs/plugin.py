"""How an application of Amanda's Application API is called (Amanda 3.5.1: client-src/client_util.c): what it supports, and the
words of a call.  Runs nothing but ``support``, which every application answers.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from clientd.programs.contract import Task
from core.errors import WorldError
from core.model.dump import MAX_LEVEL
from core.wire.dle_xml import Choice
from core.wire.words import clean

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}", re.ASCII)
_PROPERTY = re.compile(r"[A-Za-z0-9_-]{1,100}", re.ASCII)
_ANSWER = 60.0  # seconds for ``support``
_LONGEST = 64 * 1024


@dataclass(frozen=True, slots=True)
class Support:
    """What an application says that it understands: words in capitals to their values."""

    said: dict[str, str]

    def has(self, word: str) -> bool:
        """Whether it says YES to ``word``."""
        return self.said.get(word, "").upper() == "YES"

    @property
    def max_level(self) -> int:
        """The highest level that it dumps at."""
        text = self.said.get("MAX-LEVEL", "0")
        return min(int(text), MAX_LEVEL) if text.isascii() and text.isdecimal() and len(text) < 9 else 0


def path_of(task: Task) -> Path:
    """The executable of the task's application.  WorldError CLT024 when there is none."""
    name, directory = task.dle.program, task.settings.applications
    path = directory / name
    if not _NAME.fullmatch(name) or not os.access(path, os.X_OK) or not path.is_file():
        raise WorldError("CLT024", f"there is no application {clean(name, 100)!r} in {directory} of this client")
    return path


def environment() -> dict[str, str]:
    """What an application gets of ours, with messages that can be read."""
    return os.environ | {"LC_ALL": "C"}


def ask(path: Path, words: Sequence[str], timeout: float | None = None) -> tuple[int, str, str]:
    """Run a command that answers with text: exit status, stdout, stderr.  WorldError CLT039 when it cannot be run."""
    try:
        done = subprocess.run([os.fspath(path), *words], stdin=subprocess.DEVNULL, capture_output=True, timeout=timeout,
                              env=environment(), check=False)
    except subprocess.TimeoutExpired:
        raise WorldError("CLT039", f"{path.name} {words[0]} does not end") from None
    except OSError as fault:
        raise WorldError("CLT039", f"{path.name} cannot be run: {fault.strerror}") from None
    return done.returncode, done.stdout.decode("utf-8", "replace"), done.stderr.decode("utf-8", "replace")


def support_of(path: Path) -> Support:
    """What the application supports.  WorldError CLT039 when it does not say so properly."""
    status, said, complained = ask(path, ["support"], _ANSWER)
    if status or complained.strip():
        raise WorldError("CLT039", f"{path.name} support: {last_line(complained) or f'exit status {status}'}")
    pairs = (line.split(None, 1) for line in said[:_LONGEST].splitlines())
    return Support({pair[0].upper(): pair[1].strip() for pair in pairs if len(pair) == 2})


def call(command: str, task: Task, support: Support, levels: Sequence[int] = (), *, calcsize: bool = False,
         state: int = -1) -> list[str]:
    """The words of a call of ``command``; options that the application does not understand are left out.  ``state``: the
    descriptor for its STATE lines, −1 for none."""
    dle = task.dle
    words = [command]
    if support.has("MESSAGE-LINE"):
        words += ["--message", "line"]
    pairs = (("CONFIG", "config", task.config), ("TIMESTAMP", "timestamp", task.timestamp), ("HOST", "host", task.host),
             ("DISK", "disk", dle.disk))
    words += [word for key, name, value in pairs if value and support.has(key) for word in (f"--{name}", value)]
    words += ["--device", dle.device]
    words += [word for level in levels for word in ("--level", str(level))]
    if command == "backup":
        if dle.index and support.has("INDEX-LINE"):
            words += ["--index", "line"]
        if state >= 0:
            words += ["--state-stream", str(state)]
    if calcsize:
        words.append("--calcsize")
    if dle.record and command == "backup" and support.has("RECORD"):
        words.append("--record")
    if support.has("AMFEATURES"):
        words += ["--amfeatures", task.features.text]
    words += _choice("include", dle.include, support)
    words += _choice("exclude", dle.exclude, support)
    for name, values in dle.properties:
        if not _PROPERTY.fullmatch(name):
            raise WorldError("CLT025", f"{clean(name, 100)!r} is no name of a property")
        words += [word for value in values for word in (f"--{name.lower().replace('_', '-')}", value)]
    return words


def _choice(kind: str, choice: Choice, support: Support) -> Iterator[str]:
    for name, values in (("file", choice.files), ("list", choice.lists)):
        if values and not support.has(f"{kind}-{name}".upper()):
            raise WorldError("CLT028", f"this application knows no {kind} {name}")
        for value in values:
            yield from (f"--{kind}-{name}", value)
    if choice.optional and support.has(f"{kind}-optional".upper()):
        yield from (f"--{kind}-optional", "yes")


def findings(said: str) -> Iterator[tuple[bool, str]]:
    """What a selfcheck says: whether it is well, and the text.  Amanda 3.5's applications answer in JSON whatever they are
    asked for, others in lines that begin with OK or ERROR."""
    head, _, rest = said.lstrip().partition("\n")
    if head.strip() == "MESSAGE JSON":
        yield from _messages(rest)
        return
    for line in said.splitlines():
        word, _, text = line.strip().partition(" ")
        if word == "OK":
            yield True, clean(text)
        elif word:
            yield False, clean((text if word == "ERROR" else line).strip().removeprefix("[").removesuffix("]"))


def _messages(text: str) -> Iterator[tuple[bool, str]]:
    try:
        found = json.loads(f"[{text.strip().rstrip(',')}]", strict=False)
    except (ValueError, RecursionError):
        yield False, "its selfcheck cannot be read"
        return
    for message in found:
        said = message.get("message") if isinstance(message, dict) else None
        well = isinstance(said, str) and message.get("severity") in ("success", "info", "message")
        yield well, clean(said if isinstance(said, str) else str(message))


def last_line(text: str) -> str:
    """The last line that is not empty, fit to be shown."""
    lines = [line for line in text.splitlines() if line.strip()]
    return clean(lines[-1]) if lines else ""
