"""CRC-32C of the package crc32c, without what its ``__init__`` brings along.

That imports importlib.metadata, email and argparse for its version and its command line: 70 ms in each of our processes.
The compiled module beside it is all that we need.
"""

from __future__ import annotations

import importlib.util
from importlib.machinery import PathFinder
from typing import Protocol, cast


class Crc32c(Protocol):
    """The checksum of ``data``, going on from ``value``, that of what came before."""

    def __call__(self, data: bytes | bytearray | memoryview, value: int = 0, /) -> int: ...


def _load() -> Crc32c:
    package = importlib.util.find_spec("crc32c")
    spec = PathFinder.find_spec("_crc32c", package.submodule_search_locations) if package is not None else None
    if spec is None or spec.loader is None:
        from crc32c import crc32c as slowly_loaded  # a version that is built otherwise, or none: ImportError

        return slowly_loaded
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return cast(Crc32c, module.crc32c)


crc32c = _load()
