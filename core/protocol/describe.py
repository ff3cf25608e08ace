"""``python -P -m core.protocol.describe DIR``: the languages of the pipes as Markdown, from the very tables that both ends run.

`make docs` writes ``docs/protocol/``; a test fails when it is stale.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Any, get_type_hints

from core.protocol import dumper, operator, planner, taper
from core.protocol.conversation import Table
from core.protocol.vocabulary import Vocabulary

_PAGES: tuple[tuple[str, str, Any, Vocabulary, Table[Any] | None], ...] = (
    ("planner", "planner → driver", planner, planner.VOCABULARY, None),
    ("dumper", "driver ↔ dumper", dumper, dumper.VOCABULARY, dumper.TABLE),
    ("taper", "driver ↔ taper", taper, taper.VOCABULARY, taper.TABLE),
    ("operator", "console, commands ↔ driver", operator, operator.VOCABULARY, None),
)


def pages() -> dict[str, str]:
    """File name to text of every page."""
    return {f"{name}.md": "\n".join(_page(*rest)) + "\n" for name, *rest in _PAGES}


def fields_of(message: type[Any]) -> list[tuple[str, str, bool]]:
    """(name, kind, optional) of each word after the verb."""
    hints = get_type_hints(message)
    return [(f.name, _kind(hints[f.name]), f.default is not MISSING) for f in fields(message)]


def _page(title: str, module: Any, vocabulary: Vocabulary, table: Table[Any] | None) -> Iterator[str]:
    yield f"# {title}"
    yield ""
    yield from (module.__doc__ or "").strip().splitlines()
    yield ""
    yield "## Messages"
    yield ""
    for verb, message in vocabulary.messages.items():
        words = [f"[<{name}>]" if optional else f"<{name}>" for name, _, optional in fields_of(message)]
        yield f"### `{' '.join([verb, *words])}`"
        yield ""
        yield " ".join((message.__doc__ or "").split())
        yield ""
    if table is not None:
        yield "## Who may say what, when"
        yield ""
        yield "| state | message | then |"
        yield "|---|---|---|"
        for state, moves in table.items():
            for message, after in moves.items():
                yield f"| {state} | `{message.VERB}` | {after} |"


def _kind(hint: Any) -> str:
    return getattr(hint, "__name__", str(hint))


def write(directory: Path) -> None:
    """Write all pages."""
    directory.mkdir(parents=True, exist_ok=True)
    for name, text in pages().items():
        (directory / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    write(Path(sys.argv[1]))
