"""An amanda.conf with its includes: every global setting and every block, inheritance resolved.

All faults are found in one go, each with file and line; a configuration with a fault gives no result at all.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from core.amanda.kinds import ALIASES, BLOCKS, GLOBAL, INLINE, LATE, MERGED, PREDEFINED, REFERENCES
from core.amanda.values import Value, convert
from core.amanda.words import Line, Word, same, split_lines
from core.errors import UsageError

_MOST_FILES = 1000
"""A site with more files than that includes them in a circle of some kind."""


@dataclass(frozen=True, slots=True)
class Setting:
    """One value and where it was set; for a keyword whose lines add up, ``value`` is that of this line."""

    value: Value
    file: str
    line: int

    @property
    def words(self) -> tuple[Word, ...]:
        """The words of a list; none of what is no list."""
        return self.value if isinstance(self.value, tuple) else ()


@dataclass(slots=True)
class Block:
    """A ``define KIND NAME``; ``settings``: per keyword, spelt with ``-``, one or for some keywords several."""

    kind: str
    name: str
    file: str
    line: int
    settings: dict[str, list[Setting]] = field(default_factory=dict)

    def get(self, key: str, default: Value = "") -> Value:
        """The value of ``key``, the last one where there are several."""
        found = self.settings.get(key)
        return found[-1].value if found else default

    def number(self, key: str, default: int = 0) -> int:
        """The value of a ``key`` that is a whole number."""
        value = self.get(key, default)
        return value if isinstance(value, int) else default


@dataclass(slots=True)
class Conf:
    """The whole configuration; ``blocks`` by kind and by name in lower case, in the order of the files."""

    top: Block
    blocks: dict[str, dict[str, Block]]
    files: list[str]

    def block(self, kind: str, name: str) -> Block | None:
        """The block of that name, whatever its case; ``-`` and ``_`` differ in names, as in Amanda."""
        return self.blocks[kind].get(name.lower())


def read_conf(file: str, read: Callable[[str], str], name: str = "") -> Conf:
    """The configuration of ``file``; ``read`` gives the text of a file by its name, as written in ``includefile``; ``name`` of
    the configuration, which is also that of the storage that is there without being defined.

    UsageError CFG011 has every fault with file and line; of files that include each other in a circle only that.
    """
    parser = _Parser(file, read)
    parser.file(file, file, 1, ())
    parser.references(name)
    # Where files go in a circle, what is missing in one of them is no fault of its own.
    if faults := parser.circles or parser.faults:
        count = "1 fault" if len(faults) == 1 else f"{len(faults)} faults"
        raise UsageError("CFG011", f"{file} has {count}:\n" + "\n".join(faults), "nothing was taken from it")
    return parser.conf


def read_body(conf: Conf, block: Block, text: str, file: str, line: int) -> tuple[Block, list[str]]:
    """``block`` with the settings of the lines in ``text``, which begin in ``line`` of ``file``, and their faults."""
    parser = _Parser(file, lambda name: "", conf)
    parser.body(block, text, file, line)
    return block, parser.faults


class _Parser:
    def __init__(self, file: str, read: Callable[[str], str], conf: Conf | None = None) -> None:
        self._read = read
        self.faults: list[str] = []
        self.circles: list[str] = []
        self._open: Block | None = None
        self._outer: Block | None = None
        if conf is not None:
            self.conf = conf
            return
        self.conf = Conf(Block("", "", file, 0), {kind: {} for kind in BLOCKS}, [])
        for name, lines in PREDEFINED.items():
            block = Block("dumptype", name, "", 0)
            for line in split_lines("\n".join(lines)):
                self._set(block, line, "")
            self.conf.blocks["dumptype"][name] = block

    def file(self, name: str, by: str, at: int, within: tuple[str, ...]) -> None:
        """Read one file; ``by`` and ``at``: who includes it; ``within``: all files that are being read."""
        if name in within:
            self.circles.append(f"{by}:{at}: {name} includes itself: {' -> '.join((*within, name))}")
            return
        if len(self.conf.files) >= _MOST_FILES:
            if len(self.conf.files) == _MOST_FILES:
                self.circles.append(f"{by}:{at}: {name} would be file {_MOST_FILES + 1}")
                self.conf.files.append(name)
            return
        try:
            text = self._read(name)
        except OSError as fault:
            self.fault(by, at, f"{name} cannot be read: {fault.strerror or fault}")
            return
        self.conf.files.append(name)
        self._open = self._outer = None
        for line in split_lines(text):
            if line.fault:
                self.fault(name, line.number, line.fault)
            else:
                self._line(line, name, (*within, name))
        if self._open is not None:
            self.fault(name, self._open.line, f"the {self._open.kind} {self._open.name} has no closing '}}'")
            self._open = self._outer = None

    def body(self, block: Block, text: str, name: str, line: int) -> None:
        """The lines of a block whose closing brace is not among them."""
        self._open = block
        for words in split_lines(text, line):
            if words.fault:
                self.fault(name, words.number, words.fault)
            elif self._open is not None:
                self._inside(self._open, words, name)

    def references(self, config: str) -> None:
        """What is named and may be defined anywhere."""
        used = [setting for setting in self.conf.top.settings.get("holdingdisk", []) for _ in setting.words]
        names = [word.text.lower() for setting in self.conf.top.settings.get("holdingdisk", []) for word in setting.words]
        for number, (setting, text) in enumerate(zip(used, names, strict=True)):
            if text in names[:number]:
                self.fault(setting.file, setting.line, f"holdingdisk: {text} is in use already")
        for key, kind in LATE.items():
            for setting in self.conf.top.settings.get(key, []):
                for text in [word.text for word in setting.words if word.kind != "sign"] or [str(setting.value)]:
                    if self.conf.block(kind, text) is None and not (kind == "storage" and text == config):
                        self.fault(setting.file, setting.line, f"{key}: no {kind} {text} is defined")
        for block in (self.conf.top, *self.conf.blocks["storage"].values()):
            for setting in block.settings.get("labelstr", []):
                if setting.words[0].kind == "name" and not (block.get("autolabel") or self.conf.top.get("autolabel")):
                    self.fault(setting.file, setting.line, "labelstr: MATCH-AUTOLABEL needs an autolabel")

    def _line(self, line: Line, name: str, within: tuple[str, ...]) -> None:
        words = [same(word.text) if word.kind == "name" else word.text for word in line.words]
        if self._open is not None:
            self._inside(self._open, line, name)
        elif words[0] == "includefile":
            if len(line.words) == 2 and line.words[1].kind == "string":
                self.file(line.words[1].text, name, line.number, within)
            else:
                self.fault(name, line.number, "wanted is: includefile \"FILE\"")
        elif words[0] == "define":
            self._begin(line, line.words[1:], name)
        elif words[0] == "holdingdisk" and words[-1] == "{":
            self._begin(line, line.words, name)
        else:
            self._set(self.conf.top, line, name)

    def _begin(self, line: Line, words: tuple[Word, ...], name: str) -> None:
        kind = same(words[0].text) if words else ""
        kind = ALIASES.get(kind, kind)
        brace = next((i for i, word in enumerate(words) if word == Word("sign", "{")), len(words))
        if kind not in BLOCKS:
            self.fault(name, line.number, f"{kind!r} cannot be defined; known here: {', '.join(sorted(BLOCKS))}")
            kind = ""
        elif brace != 2 or words[1].kind not in ("name", "string"):
            self.fault(name, line.number, f"wanted is: define {kind} NAME {{")
        elif len(words) > 3:
            self.fault(name, line.number, f"{words[3]} stands behind '{{'; it needs a line of its own")
        block = Block(kind, words[1].text if len(words) > 1 else "", name, line.number)
        if kind and (old := self.conf.block(kind, block.name)):
            self.fault(name, line.number, f"{kind} {block.name} is defined already, at {old.file or 'Amanda'}:{old.line}")
        elif kind:
            self.conf.blocks[kind][block.name.lower()] = block
        if brace < len(words):
            self._open = block
        if kind == "holdingdisk" and words is line.words and len(words) > 1:
            # Without `define` it is in use at once.
            used = self.conf.top.settings.setdefault(kind, [])
            used.append(Setting((words[1],), name, line.number))

    def _inside(self, block: Block, line: Line, name: str) -> None:
        """A line between the braces of ``block``."""
        first = line.words[0]
        if first == Word("sign", "}"):
            self._open, self._outer = self._outer, None
            if len(line.words) > 1:
                self.fault(name, line.number, f"{line.words[1]} stands behind '}}'; it needs a line of its own")
            return
        if not block.kind:
            return  # of a kind that is not known: told once
        if len(line.words) == 2 and line.words[1] == Word("sign", "{") and same(first.text) in INLINE.get(block.kind, ()):
            kind = same(first.text)
            self._outer, self._open = block, Block(kind, f"custom({block.name}:{name}:{line.number})", name, line.number)
            self.conf.blocks[kind][self._open.name.lower()] = self._open
            named = Word("string", self._open.name)
            self._keep(block, kind, Setting((named,) if kind == "script" else named.text, name, line.number))
            return
        other = self.conf.block(block.kind, first.text)
        if other is None or (first.kind == "name" and same(first.text) in BLOCKS[block.kind]):
            self._set(block, line, name)
        elif other is block:
            self.fault(name, line.number, f"{block.kind} {block.name} names itself")
        elif len(line.words) > 1:
            self.fault(name, line.number, f"{line.words[1]} is one word too many")
        else:
            for key, settings in other.settings.items():
                block.settings[key] = [*(block.settings.get(key, []) if key in MERGED else []), *settings]

    def _set(self, block: Block, line: Line, name: str) -> None:
        key = same(line.words[0].text)
        kind = (BLOCKS[block.kind] if block.kind else GLOBAL).get(key)
        if kind is None or line.words[0].kind != "name":
            where = f"a {block.kind}" if block.kind else "amanda.conf"
            self.fault(name, line.number, f"{line.words[0]} is no keyword of {where}"
                        + (f", and no {block.kind} of this name is defined above" if block.kind else ""))
            return
        try:
            setting = Setting(convert(kind, line.words[1:]), name, line.number)
        except ValueError as fault:
            self.fault(name, line.number, f"{key}: {fault}")
            return
        wanted = REFERENCES.get((block.kind, key), "")
        for text in ([word.text for word in setting.words] or [str(setting.value)]) if wanted else []:
            if self.conf.block(wanted, text) is None:
                self.fault(name, line.number, f"{key}: no {wanted} {text} is defined above")
        self._keep(block, key, setting)

    def _keep(self, block: Block, key: str, setting: Setting) -> None:
        """Set it, beside those before where lines add up."""
        adds = (BLOCKS[block.kind] if block.kind else GLOBAL)[key].startswith("more")
        block.settings[key] = [*(block.settings.get(key, []) if adds else []), setting]

    def fault(self, file: str, line: int, text: str) -> None:
        """One more fault."""
        self.faults.append(f"{file}:{line}: {text}")
