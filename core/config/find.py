"""Which configuration is meant: ``--config``, ``TAPEROOM_CONFIG``, ``./taperoom.toml``, the user's, the machine's.

A name may be a file, a directory with a `taperoom.toml` in it, or a bare word: `daily` is then
`/etc/taperoom/daily/taperoom.toml` or `/etc/taperoom/daily.toml`, or the same under the user's directory.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Mapping
from pathlib import Path

from core.errors import UsageError

NAME = "taperoom.toml"
VARIABLE = "TAPEROOM_CONFIG"
SYSTEM = Path("/etc/taperoom")


def user_dir(environ: Mapping[str, str]) -> Path:
    """The user's directory for configurations, after the XDG base directory rules."""
    base = environ.get("XDG_CONFIG_HOME", "")
    home = Path(environ.get("HOME") or os.path.expanduser("~"))
    return (Path(base) if base.startswith("/") else home / ".config") / "taperoom"


def find_config(named: str = "", environ: Mapping[str, str] = os.environ, system: Path = SYSTEM) -> Path:
    """The file that is meant.  UsageError CFG001 when there is none, CFG002 when one was named that is not there."""
    name = named or environ.get(VARIABLE, "")
    source = "--config" if named else VARIABLE
    if name:
        return _named(name, source, (user_dir(environ), system))
    places = (Path(NAME), user_dir(environ) / NAME, system / NAME)
    for place in places:
        if os.path.isfile(place):
            return place
    looked = ", ".join(str(place) if place.is_absolute() else f"./{place}" for place in places)
    raise UsageError("CFG001", f"no configuration was found; looked for {looked}{_closed(*places)}",
                     "name one with --config FILE, or write a first one with 'taperoom init'")


def _named(name: str, source: str, bases: tuple[Path, ...]) -> Path:
    path = Path(name).expanduser() if name.startswith("~/") else Path(name)
    # os.path says no of a place that may not be looked at; the working directory often is one, after su or runuser.
    if os.path.isdir(path):
        path = path / NAME
    if os.path.exists(path):
        return path
    tried = [path]
    if "/" not in name:
        for base in bases:
            for candidate in (base / name / NAME, base / f"{name}.toml"):
                if os.path.isfile(candidate):
                    return candidate
                tried.append(candidate)
    raise UsageError("CFG002", f"{path}: there is no such file (named by {source}){_closed(*tried)}",
                     "'taperoom init' writes a first configuration")


def _closed(*tried: Path) -> str:
    """The last of these places that this user may not even look at, as the rest of a sentence; nothing when there is none."""
    for place in reversed(tried):
        try:
            os.stat(place)
        except PermissionError:
            return f"; this user may not look into {place.absolute().parent}"
        except (OSError, ValueError):
            continue
    return ""


def path_of(text: str, base: Path) -> Path:
    """A path of the configuration: ``~`` is the home directory, a relative one begins where the file is (``base``)."""
    path = Path(text)
    with contextlib.suppress(RuntimeError):  # a user that does not exist: taken literally
        path = path.expanduser()
    return base / path
