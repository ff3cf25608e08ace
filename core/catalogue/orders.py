"""``orders.json``: what the operator asked of coming nights, disk by disk (Amanda's `amadmin force` and its kin).

One object, ``{"HOST:DISK": "full"}``; orders are ``full``, ``bump``, ``no-bump``, ``level-1`` and ``hold``.  Written by
rename, one writer at a time.  Knows nothing of what an order does.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
from collections.abc import Callable, Iterable

from core.errors import WorldError
from core.model.site import Site

LEVEL_ORDERS = frozenset({"full", "bump", "no-bump", "level-1"})
ORDERS = LEVEL_ORDERS | {"hold"}


def load_orders(site: Site) -> dict[str, str]:
    """``HOST:DISK`` to its order; what is no order is passed over, as is a file that cannot be read."""
    try:
        found = json.loads((site.state_dir / "orders.json").read_bytes())
    except (OSError, ValueError):
        return {}
    if not isinstance(found, dict):
        return {}
    return {title: order for title, order in found.items() if isinstance(order, str) and order in ORDERS}


def save_order(site: Site, title: str, order: str) -> None:
    """Set the order of ``HOST:DISK``; an empty one takes it back.  WorldError RST003 when the file cannot be written."""
    def change(orders: dict[str, str]) -> None:
        orders.pop(title, None)
        if order:
            orders[title] = order

    _change(site, change)


def settle(site: Site, done: Iterable[tuple[str, int]]) -> None:
    """Forget the orders that a night fulfilled: ``done`` has ``HOST:DISK`` and the level of each good dump.

    ``full`` is fulfilled by a level 0, the others by any dump; ``hold`` stays.  WorldError RST003 as `save_order`.
    """
    levels = dict(done)

    def change(orders: dict[str, str]) -> None:
        for title, order in list(orders.items()):
            level = levels.get(title)
            if level is not None and order in LEVEL_ORDERS and (order != "full" or level == 0):
                del orders[title]

    if any(title in levels for title in load_orders(site)):
        _change(site, change)


def _change(site: Site, change: Callable[[dict[str, str]], None]) -> None:
    path = site.state_dir / "orders.json"
    new = path.with_name("orders.json.new")
    try:
        site.state_dir.mkdir(parents=True, exist_ok=True, mode=0o750)
        with open(path.with_name("orders.lock"), "w", opener=_private) as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            orders = load_orders(site)
            change(orders)
            with open(new, "w", opener=_private) as out:
                json.dump(orders, out, indent=1, sort_keys=True)
                out.write("\n")
                out.flush()
                os.fsync(out.fileno())
            os.replace(new, path)
            directory = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            try:
                os.fsync(directory)  # an order that was taken must not be forgotten at a power cut
            finally:
                os.close(directory)
    except OSError as fault:
        with contextlib.suppress(OSError):
            new.unlink()
        raise WorldError("RST003", f"{path} cannot be written: {fault.strerror}",
                         "the order was not taken; check the directory's owner, permissions and room") from fault


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o640)
