"""What every row needs to know: the data, a place for output, how often."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass, field
from mmap import mmap
from pathlib import Path

from tests.bench.data import Data, forget, free_memory, populate, size_of, warm


@dataclass(frozen=True, slots=True)
class Setting:
    """``work`` is emptied by `settle`, on the file system of the data; ``times`` samples of each contender;
    ``long``: half an hour where memory has to stay as it is; ``kept``: what `populate` keeps of the room for output."""

    data: Data
    work: Path
    times: int
    long: bool = False
    kept: list[mmap | None] = field(default_factory=list)

    def settle(self, tree: Path | None = None) -> None:
        """Before each sample: nothing of the one before is left on the disk or in memory, ``tree`` is in memory, and so is
        the room for what will be written."""
        for name in ("out", "site/hold", "listing/hold"):
            path = self.work / name
            if path.is_dir():
                shutil.rmtree(path)
                path.mkdir()
            else:
                path.unlink(missing_ok=True)
        os.sync()
        if tree is not None:
            self.kept.clear()
            output = size_of(tree) * 2
            if free_memory() < output * 2:
                forget()
            warm(tree)
            self.kept.append(populate(output))
