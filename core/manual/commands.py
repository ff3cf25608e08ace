"""taperoom(1): every command with its arguments and options, as the parser itself knows them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from core.cli.explain import EXIT_CODES
from core.manual.roff import Page

ENVIRONMENT = (
    ("TAPEROOM_CONFIG", "The configuration, where --config does not name one: a file, a directory, or a bare word such as "
                        "daily."),
    ("TAPEROOM_DEBUG", "Set to 1: a fault of Taperoom itself is shown with the whole traceback."),
    ("TAPEROOM_CACHE", "Where the client that is brought to hosts with push is kept once it is built; /var/cache/taperoom for "
                       "root, else .cache/taperoom in the home directory. It may be lost at any time."),
    ("NO_COLOR", "Set to anything: no colours."),
    ("COLUMNS", "The width of what is printed."),
    ("TMPDIR", "Where a drill restores to, unless the configuration says it."),
)
FILES = (
    ("/etc/taperoom/taperoom.toml", "The configuration; see taperoom.toml(5) for where else it is looked for."),
    ("STATE_DIR/runs", "A directory for each run: journal.jsonl holds its facts, traffic.log the lines of all pipes, "
                       "report.txt the morning report."),
    ("STATE_DIR/index", "The names in each dump."),
    ("STATE_DIR/tapelist", "All volumes, in Amanda's format."),
    ("STATE_DIR/catalogue.sqlite", "The index over all of that; 'taperoom catalogue rebuild' makes it again."),
)


def page() -> Page:
    """The page."""
    import typer

    from core.cli.app import app

    made = Page("taperoom", 1, "network backup in the architecture of Amanda")
    group: Any = typer.main.get_command(app)
    made.heading("Synopsis")
    made.synopsis("taperoom", "[OPTIONS] [COMMAND [ARGS]...]")
    made.heading("Description")
    for paragraph in _paragraphs(group.help):
        _put(made, paragraph)
    made.paragraph("One server backs up many hosts every night to volumes, through a holding disk. A run never depends on a "
                   "screen, and every question to the operator has a number, a default and a deadline.")
    made.heading("Options")
    _options(made, group)
    made.heading("Commands")
    for name, command in sorted(_commands(group, "taperoom")):
        _command(made, name, command)
    made.heading("Exit status")
    for number, text in EXIT_CODES:
        made.item(str(number), f"{text[:1].upper()}{text[1:]}.")
    made.heading("Environment")
    for name, text in ENVIRONMENT:
        made.item(name, text)
    made.heading("Files")
    for name, text in FILES:
        made.item(name, text)
    return made


def _commands(group: Any, path: str) -> Iterator[tuple[str, Any]]:
    for name, command in group.commands.items():
        if getattr(command, "commands", None):
            yield from _commands(command, f"{path} {name}")
        elif not command.hidden:
            yield f"{path} {name}", command


def _command(made: Page, name: str, command: Any) -> None:
    operands = [parameter for parameter in command.params if parameter.param_type_name == "argument"]
    made.part(" ".join([name, *(_operand(parameter) for parameter in operands)]))
    for paragraph in _paragraphs(command.help):
        _put(made, paragraph)
    for parameter in operands:
        if text := getattr(parameter, "help", ""):
            made.item(parameter.metavar or parameter.name.upper(), text)
    _options(made, command)


def _options(made: Page, command: Any) -> None:
    for parameter in command.params:
        if parameter.param_type_name != "option" or parameter.hidden:
            continue
        value = "" if parameter.is_flag else f" {parameter.metavar or 'VALUE'}"
        names = sorted(parameter.opts, key=len)
        made.item(", ".join(f"{name}{value}" for name in names), parameter.help or "")


def _operand(parameter: Any) -> str:
    name = str(parameter.metavar or parameter.name.upper())
    many = "..." if parameter.nargs == -1 and not name.endswith("...") else ""
    plain = name.strip("[]").removesuffix("...")
    return f"{plain}{many}" if parameter.required else f"[{plain}]{many}"


def _paragraphs(text: str | None) -> list[str]:
    return [paragraph for paragraph in (text or "").split("\n\n") if paragraph.strip()]


def _put(made: Page, paragraph: str) -> None:
    """A paragraph, or with the mark of click's in front lines that stay as they are."""
    if not paragraph.startswith("\b\n"):
        made.paragraph(paragraph)
        return
    head, *lines = paragraph.removeprefix("\b\n").split("\n")
    made.paragraph(head)
    made.example(line.removeprefix("  ") for line in lines)
