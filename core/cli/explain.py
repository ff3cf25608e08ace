"""`taperoom explain`: what a message means, what to do, what an exit code says, which keys a configuration knows."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated

import typer

from core.cli import show

EXIT_CODES = (
    (0, "all is well"),
    (1, "the run ended and something needs attention: a dump failed, dumps stay on the holding disk, a check found a fault"),
    (2, "the command line or the configuration is wrong; nothing was started"),
    (3, "the run could not start, was stopped, or there is none to give an order to"),
    (4, "another run is active"),
    (5, "a peer could not be reached: a client, a drive, a store"),
    (70, "a fault of Taperoom itself (RUN099)"),
    (130, "Ctrl-C: the command ended; a run that it followed goes on"),
    (141, "the reader of the output went away"),
)
_SEVERITY = {"A": "act: hands are needed", "D": "decide: an answer is needed", "E": "error", "W": "warning",
             "I": "information"}


def complete_code(incomplete: str) -> list[str]:
    """For the shell."""
    from core.codes import PAGES

    words = ["exit-codes", "configuration", *sorted(PAGES)]
    return [word for word in words if word.lower().startswith(incomplete.lower())]


def explain(
    code: Annotated[str, typer.Argument(
        metavar="CODE", help="A code such as HLD003, or: exit-codes, configuration.",
        autocompletion=complete_code)] = "",
    json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
) -> int:
    """What a message means and what to do.

    Without CODE all of them are listed, one a line.

    \b
    Examples:
      taperoom explain HLD003
      taperoom explain exit-codes
      taperoom explain configuration
    """
    from dataclasses import asdict

    from core.codes import PAGES, lookup
    from core.config.faults import nearest
    from core.errors import UsageError
    from core.report.text import wrap

    word = code.strip().lower()
    if word in ("exit-codes", "exit-code", "exit"):
        if json:
            show.say_json({str(number): text for number, text in EXIT_CODES})
            return 0
        for number, text in EXIT_CODES:
            show.say_lines(wrap(f"{number:>3}  {text}", after="     "))
        return 0
    if word in ("configuration", "config"):
        show.say_lines(_configuration())
        return 0
    if not word:
        if json:
            show.say_json([asdict(PAGES[name]) for name in sorted(PAGES)])
        else:
            show.say_lines(f"{name}  {PAGES[name].severity}  {PAGES[name].title}" for name in sorted(PAGES))
        return 0
    page = lookup(word)
    if page is None:
        raise UsageError("CFG006", f"there is no code {code!r}{nearest(code.upper(), PAGES)}",
                         "'taperoom explain' shows them all")
    if json:
        show.say_json(asdict(page))
        return 0
    show.say(f"{page.code}  {page.title}  ({_SEVERITY.get(page.severity, page.severity)})\n")
    show.say_lines(wrap(page.meaning))
    show.say()
    show.say_lines(wrap(f"What to do: {page.action}"))
    return 0


def _configuration() -> Iterable[str]:
    """Every table with an example of every key; the file that the examples make would load."""
    from core.config import sections

    yield "# Every key of taperoom.toml, as an example; most have a default and may be left out."
    for head, known in (
        ("", sections.TOP), ("[run]", sections.RUN), ('[run.requests."HLD*"]', sections.POLICY),
        ("[[holding]]", sections.HOLDING), ("[storage.NAME]", sections.STORAGE),
        ("[storage.NAME.retention]", sections.RETENTION), ("[interface.NAME]", sections.INTERFACE),
        ("[verify]", sections.VERIFY), ("[drill]", sections.DRILL),
        ("[dumptype.NAME]     # and: like = \"other\"", sections.DUMPTYPE), ("[dumptype.NAME.bump]", sections.BUMP),
        ("[host.NAME]", sections.HOST), ("[[disk]]            # and every key of a dumptype", sections.DISK),
    ):
        yield ""
        if head:
            yield head
        for field in known.values():
            yield field.example + ("          # needed" if field.required else "")
