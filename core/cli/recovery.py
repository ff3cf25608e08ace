"""What `taperoom restore` does.  It is apart from its command line, which takes longer to load than a small file to restore."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from core.cli import forecast, show, where
from core.cli.progress import ProgressLine
from core.cli.show import moment, warn
from core.errors import TaperoomError

if TYPE_CHECKING:
    from core.client.asking import Asker
    from core.model.site import Site
    from core.restore.recover import Progress, Recovery, Result
    from core.restore.shelves import Answer, There, Wanted

_SHOWN = 20
_CHECKED = {
    "whole": "by the checksum of the whole dump",
    "sums": "each MiB that was read, by the checksum that it had when it was dumped",
    "frames": "each piece that was read, by its own checksum",
    "headers": "only the headers of its files: there are no checksums of parts of it"}


def recover(
    specs: Sequence[str], to: str, as_of: str = "now", *, overwrite: bool = False, fresh: bool = False, dry_run: bool = False,
    json: bool = False,
) -> int:
    """Restore, or with ``dry_run`` only tell; the exit code.  See `taperoom restore --help`."""
    import gc

    from core.restore.destination import parse_destination
    from core.restore.recover import Recovery

    gc.set_threshold(100_000)  # a disk has a million names, and none of them a circle
    site = where.site()
    line = ProgressLine(silent=json)
    hands = _Hands(site, line)
    work = Recovery(site, specs, as_of, parse_destination(site, to), overwrite=overwrite, fresh=fresh, ask=hands.ask)
    if dry_run:
        work.close()
        warn(work.result.warnings)
        return forecast.tell_json(work, overwrite) if json else forecast.tell(work, overwrite)
    return _run(work, line, hands, json, overwrite)


class _Hands:
    """Who brings volumes: asked by way of requests, which are shown here, too."""

    def __init__(self, site: Site, line: ProgressLine) -> None:
        self._site, self._line = site, line
        self._asker: Asker | None = None

    def ask(self, wanted: Wanted, there: There) -> Answer:
        """See `core.restore.shelves.Ask`."""
        import sys

        from core.cli.requests import tell_request
        from core.client.asking import Asker

        self._line.erase()
        if self._asker is None:
            self._asker = Asker(self._site, show.command_line("taperoom", *sys.argv[1:]), tell_request)
        return self._asker(wanted, there)

    def over(self, result: str, code: int) -> None:
        """The restore has ended."""
        if self._asker is not None:
            self._asker.close(result, code)


def _run(work: Recovery, line: ProgressLine, hands: _Hands, json: bool, overwrite: bool) -> int:
    from core.report.text import name_of

    def draw(at: Progress) -> None:
        line.of_bytes(at.done, at.total, f"{name_of(at.host, at.disk, 30)} level {at.level} from {at.place}")

    if not json:
        forecast.announce(work.forecast, overwrite, str(work.result.to))
    how, code = "interrupted", 130
    try:
        result = work.run(draw)
        how, code = ("all is there", 0) if result.good else ("something is missing", 1)
    except TaperoomError as fault:
        code = fault.exit_code
        raise
    finally:
        line.erase()
        hands.over(how, code)
        if how == "interrupted":
            warn(work.result.warnings)
            if not json:
                if code != 130 and (work.result.files or work.result.directories):
                    _tell_count(work.result)
                _tell_missing(work.result)
            _tell_stays(work.result)
    warn(result.warnings)
    if json:
        show.say_json({"to": str(result.to), "files": result.files, "directories": result.directories, "whole": result.whole,
                       "as_of": result.as_of, "missing": list(result.missing), "warnings": list(result.warnings),
                       "lacking": [{"storage": storage, "label": label} for storage, label in result.lacking],
                       "checked": sorted(set(result.checked)), "stays": result.stays})
        _tell_stays(result)
        return code
    _tell(result)
    return code


def _tell(result: Result) -> None:
    from core.report.text import clean, count, wrap

    _tell_count(result)
    if result.whole:
        show.say(f"  {count(result.whole, 'file')} of them from before the restore was interrupted")
    for title, stamp in result.as_of.items():
        show.say(f"  {clean(title)} as it was on {moment(stamp)}")
    for way in sorted(set(result.checked)):
        show.say_lines(wrap(f"checked {_CHECKED[way]}", indent="  ", after="    "))
    _tell_missing(result)
    for storage, label in dict.fromkeys(result.lacking):
        show.say(f"  volume {clean(label)} of storage {clean(storage)} did not come")
    _tell_stays(result)


def _tell_count(result: Result) -> None:
    """How many came back, and how many did not."""
    from core.report.text import clean, count

    lost = f"; {count(len(result.missing), 'name')} MISSING" if result.missing else ""
    show.say(f"{count(result.files, 'file')} and {count(result.directories, 'directory', 'directories')} "
             f"in {clean(str(result.to))}{lost}")


def _tell_missing(result: Result) -> None:
    from core.report.text import wrap

    for name in result.missing[:_SHOWN]:
        show.say_lines(wrap(f"MISSING {name}", indent="  ", after="    "))
    if len(result.missing) > _SHOWN:
        show.say(f"  and {len(result.missing) - _SHOWN} more")


def _tell_stays(result: Result) -> None:
    if result.stays:
        show.tell("the same command goes on with what is missing; --fresh starts again")
