"""A small real site in a directory: real files, a real vtape storage, a real client by auth local."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import tomli_w

from core.client.runs import Run, find_run, view_of
from core.config.load import load_site
from core.events.view import RunView
from core.model.site import Site


class SmallSite:
    """One configuration in ``root`` and what tests do with it."""

    def __init__(
        self, root: Path, trees: Mapping[str, Mapping[str, bytes]], *, run: Mapping[str, object] | None = None,
        holding: Sequence[Mapping[str, object]] | None = None, storage: Mapping[str, object] | None = None,
        dumptype: Mapping[str, object] | None = None, disks: Mapping[str, Mapping[str, object]] | None = None,
        hosts: Mapping[str, Mapping[str, object]] | None = None,
    ) -> None:
        self.root = root
        self.config = root / "taperoom.toml"
        self.env = {**os.environ, "TAPEROOM_CLIENT_STATE": str(root / "client"), "LC_ALL": "C.UTF-8"}
        (root / "hold").mkdir(parents=True)
        (root / "vtapes").mkdir()
        entries = []
        for title, files in trees.items():
            host, _, name = title.partition(":")
            top = root / "data" / host / name.strip("/")
            top.mkdir(parents=True)
            for path, data in files.items():
                (top / path).parent.mkdir(parents=True, exist_ok=True)
                (top / path).write_bytes(data)
            entries.append({"host": host, "disk": str(top), "dumptype": "default", **(disks or {}).get(title, {})})
        plain: dict[str, object] = {
            "org": "test", "state_dir": str(root / "state"),
            "run": {"inparallel": 2, "maxdumps": 2, "runtapes": 2, "retry_delay": "1 s", **(run or {})},
            "holding": holding if holding is not None else [{"path": str(root / "hold"), "use": "256 MiB"}],
            "storage": {"main": {
                "changer": f"disk:{root / 'vtapes'}", "slots": 5, "capacity": "64 MiB", "part_size": "1 MiB",
                "label": "T-[0-9]{3}", "autolabel": "T-%%%", "retention": {"tapes": 2, "days": 0, "full": 1},
                **(storage or {})}},
            "dumptype": {"default": {"program": "gnutar", "auth": "local", "compress": "none", **(dumptype or {})}},
            "disk": entries,
        }
        if hosts:
            plain["host"] = hosts
        if storage is not None and storage.get("changer") == "":
            del plain["storage"]
        self.config.write_text(tomli_w.dumps(plain))

    @property
    def site(self) -> Site:
        """The configuration as the programs see it."""
        return load_site(self.config)

    def data(self, title: str) -> Path:
        """The directory of a disk."""
        host, _, name = title.partition(":")
        return self.root / "data" / host / name.strip("/")

    def command(self, program: str, *arguments: str) -> list[str]:
        """The command of one of our programs on this site."""
        return [sys.executable, "-P", "-m", f"core.{program}", str(self.config), *arguments]

    def amdump(self, *arguments: str, timeout: float = 240) -> subprocess.CompletedProcess[str]:
        """One whole run."""
        return subprocess.run(
            self.command("amdump", *arguments), env=self.env, capture_output=True, text=True, timeout=timeout, check=False)

    def start(self, program: str, *arguments: str, **more: object) -> subprocess.Popen[bytes]:
        """A program in the background."""
        return subprocess.Popen(self.command(program, *arguments), env=self.env, **more)  # type: ignore[call-overload,no-any-return]

    def run(self, name: str = "") -> Run:
        """The last run, or the one of that stamp."""
        found = find_run(self.root / "state", name)
        assert found is not None
        return found

    def view(self) -> RunView:
        """The last run, folded."""
        return view_of(self.run())

    def logs(self) -> str:
        """What the programs of the last run wrote: for a failing assertion."""
        run = find_run(self.root / "state")
        if run is None:
            return "no run"
        return "\n".join(
            f"--- {name}\n{(run.path / name).read_text(errors='replace')}"
            for name in ("journal.jsonl", "traffic.log", "planner.log", "driver.log", "children.log")
            if (run.path / name).exists())
