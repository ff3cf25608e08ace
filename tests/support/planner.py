"""Configurations with scripted clients, and the planner as a process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tomli_w

from core.protocol.planner import DumpLine, Said, Skip, decode
from tests.support import size_amandad

ROOT = Path(__file__).resolve().parents[2]
STAMP = "20261123010000"


@dataclass(frozen=True)
class Spoken:
    """What one planner wrote and how it ended."""

    code: int
    said: tuple[Said, ...]
    log: str

    def of(self, kind: type[Any]) -> list[Any]:
        """All messages of one kind, in order."""
        return [said for said in self.said if isinstance(said, kind)]

    @property
    def verdicts(self) -> dict[str, str]:
        """``level: why`` or the reason for skipping (``!`` before what needs attention), by ``HOST:DISK``."""
        found = {f"{s.host}:{s.disk}": ("!" if s.fail else "") + s.message for s in self.of(Skip)}
        return found | {f"{d.host}:{d.disk}": f"{d.level}: {d.why}" for d in self.of(DumpLine)}


class PlannerSite:
    """A configuration in ``root``: hosts with the script of their amandad, each with disks."""

    def __init__(
        self, root: Path, hosts: Mapping[str, tuple[Mapping[str, Any], Sequence[str]]], *,
        host: Mapping[str, Any] | None = None, run: Mapping[str, Any] | None = None,
        dumptype: Mapping[str, Any] | None = None, capacity: str = "10 GiB",
    ) -> None:
        self.root = root
        self.config = root / "taperoom.toml"
        self.state = root / "state"
        self.holding = root / "holding"
        self.holding.mkdir()
        tables: dict[str, Any] = {}
        disks = []
        for name, (script, names) in hosts.items():
            path = root / f"{name}.json"
            path.write_text(json.dumps(script))
            tables[name] = {"amandad": [sys.executable, size_amandad.__file__, str(path)],
                            "connect_timeout": "2 s", "estimate_timeout": "2 s", **(host or {})}
            disks += [{"host": name, "disk": disk} for disk in names]
        self.config.write_text(tomli_w.dumps({
            "org": "test", "state_dir": str(self.state), "run": {"runtapes": 2, **(run or {})},
            "holding": [{"path": str(self.holding)}], "host": tables, "disk": disks,
            "storage": {"main": {"changer": f"disk:{root / 'vtapes'}", "slots": 5, "capacity": capacity,
                                 "part_size": "1 MiB", "label": "T-[0-9]{3}", "autolabel": "T-%%%"}},
            "dumptype": {"default": {"auth": "local", "compress": "none", **(dumptype or {})}},
        }), encoding="utf-8")

    def seen(self, host: str) -> str:
        """What the amandad of ``host`` was started for and asked."""
        path = self.root / f"{host}.json.seen"
        return path.read_text("utf-8", "surrogateescape") if path.exists() else ""

    def start(self, *words: str) -> subprocess.Popen[bytes]:
        """A planner under way."""
        return subprocess.Popen(
            [sys.executable, "-P", "-m", "core.planner", str(self.config), *words], cwd=self.root,
            env={**os.environ, "PYTHONPATH": str(ROOT)}, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE)

    def plan(self, *words: str, datestamp: str = STAMP) -> Spoken:
        """One planner from its start to its end."""
        with self.start("--datestamp", datestamp, *words) as process:
            out, log = process.communicate(timeout=60)
        return Spoken(process.returncode, tuple(decode(line) for line in out.splitlines()), log.decode())
