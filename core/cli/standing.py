"""Where a run stands, told once and then, if that is wanted, followed: what `taperoom status` does.

Without the parser of commands, so that `core.cli.straight` can do it in half the time.
"""

from __future__ import annotations

from pathlib import Path

from core.cli import show, where


def ahead(state_dir: Path, now: float) -> list[str]:
    """What there is to be said of runs that are dated later than the clock; nothing when there are none."""
    from core.client.runs import ahead_runs, list_runs
    from core.model.units import datestamp_of

    found = ahead_runs(list_runs(state_dir), now)
    if not found:
        return []
    many = "1 run is" if len(found) == 1 else f"{len(found)} runs are"
    newest = found[-1].datestamp
    return [f"RUN043 {many} dated later than this machine's clock ({show.moment(datestamp_of(now))}), the newest"
            f" {show.moment(newest)}: the clock was wrong then, or is now; 'taperoom status {newest}' shows it,"
            " 'taperoom explain RUN043' says what to do"]


def tell(run: str = "", *, json: bool = False, follow: bool = False) -> int:
    """The run whose datestamp begins with ``run``, or the live or last one.  The exit code; UsageError as `where.a_run`."""
    import time

    from core.client.follow import read_gauges
    from core.client.runs import view_of

    site = where.site()
    found = where.a_run(site, run)
    view, alive, gauges = view_of(found), found.live(), read_gauges(found)
    if json and not follow:
        from core.report.data import run_data

        show.say_json(run_data(view, gauges, time.time(), alive))
        return 0
    if not json:
        from core.report.status import status_text

        show.say(status_text(view, gauges, time.time(), alive).rstrip("\n"))
        if not run:
            show.warn(ahead(site.state_dir, time.time()))
    if not follow:
        return 0
    from core.cli import follow as following

    def to_the_end() -> int:
        seen = 0 if json else view.seq
        return following.end_of(found, following.follow(found, json=json, quiet_until=seen))

    return following.detachable(to_the_end)
