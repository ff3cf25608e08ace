"""All that the console knows beyond the run that it follows, through `core.client`: coverage, nights, volumes, clients.

Everything here blocks and belongs in a thread (`tui.fetch`).  `core.client` is imported when it is first asked, so the
first paint does not wait for it.  What fails is a TaperoomError.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from core.model.site import Site

if TYPE_CHECKING:
    from core.client.coverage import Covered, DiskNight
    from core.client.nights import Night, NightRow


class Door(Protocol):
    """What a screen may ask."""

    def coverage(self, now: float) -> list[Covered]:
        """Each disk of the configuration with its last good backup."""

    def nights(self, patience: float) -> list[NightRow]:
        """All runs, newest first."""

    def night(self, stamp: str) -> Night:
        """One run in detail."""

    def disk_nights(self, host: str, disk: str) -> list[DiskNight]:
        """The runs of one disk, newest first."""


class ClientDoor:
    """The door to a real site; ``config`` empty: the configuration that the state directory's runs name."""

    def __init__(self, state_dir: Path, config: str = "") -> None:
        self._state_dir, self._config = state_dir, config
        self._site: Site | None = None

    def site(self) -> Site:
        """The configuration, read once.  UsageError CFG001 when there is none."""
        if self._site is None:
            from core.client.site import open_site

            self._site = open_site(self._state_dir, self._config)
        return self._site

    def coverage(self, now: float) -> list[Covered]:
        """Each disk of the configuration with its last good backup."""
        from core.client.coverage import coverage

        return coverage(self.site(), now)

    def nights(self, patience: float) -> list[NightRow]:
        """All runs, newest first."""
        from core.client.nights import list_nights

        return list_nights(self._state_dir, patience=patience)

    def night(self, stamp: str) -> Night:
        """One run in detail."""
        from core.client.coverage import usual_rates
        from core.client.nights import night
        from core.client.runs import Run
        from core.errors import TaperoomError

        try:
            usual = usual_rates(self.site())
        except TaperoomError:
            usual = {}
        return night(Run(self._state_dir / "runs" / stamp), usual)

    def disk_nights(self, host: str, disk: str) -> list[DiskNight]:
        """The runs of one disk, newest first."""
        from core.client.coverage import disk_nights

        return disk_nights(self.site(), host, disk)
