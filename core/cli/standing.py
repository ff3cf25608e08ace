"""Where a run stands, told once and then, if that is wanted, followed: what `taperoom status` does.

Without the parser of commands, so that `core.cli.straight` can do it in half the time.
"""

from __future__ import annotations

from core.cli import show, where


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
    if not follow:
        return 0
    from core.cli import follow as following

    def to_the_end() -> int:
        seen = 0 if json else view.seq
        return following.end_of(found, following.follow(found, json=json, quiet_until=seen))

    return following.detachable(to_the_end)
