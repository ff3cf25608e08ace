"""A first configuration: the answers that `taperoom init` needs, and the commented file that comes of them.

Pure text; the file that it gives loads, and this is checked before it is written.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from core.config.edit import disk_table, toml_text


@dataclass(frozen=True, slots=True)
class Answers:
    """What is asked; sizes and times as the operator writes them.  ``disks``: host and directory."""

    org: str = "daily"
    state_dir: str = "/var/lib/taperoom/daily"
    holding: str = "/var/spool/taperoom"
    holding_use: str = "-10 GiB"
    volumes: str = "/srv/vtapes"
    slots: int = 20
    capacity: str = "100 GiB"
    part_size: str = "10 GiB"
    dumpcycle: str = "7 days"
    compress: str = "client fast"
    disks: tuple[tuple[str, str], ...] = field(default=())
    addresses: tuple[tuple[str, str], ...] = field(default=())
    local: frozenset[str] = field(default=frozenset())
    """Hosts that are this machine: reached without ssh."""


def places_for(org: str, root: bool, home: Path) -> tuple[str, str, str]:
    """State directory, holding disk and volumes of a new site: the machine's for root, the user's own else."""
    if root:
        return f"/var/lib/taperoom/{org}", "/var/spool/taperoom", "/srv/vtapes"
    base = home / ".local" / "share" / "taperoom"
    return str(home / ".local" / "state" / "taperoom" / org), str(base / "holding"), str(base / "vtapes")


def first_config(answers: Answers) -> str:
    """The whole file."""
    return _HEAD.format(
        org=toml_text(answers.org), state_dir=toml_text(answers.state_dir), dumpcycle=toml_text(answers.dumpcycle),
    ) + _holding(answers) + _STORAGE.format(
        changer=toml_text(f"disk:{answers.volumes}"), slots=answers.slots, capacity=toml_text(answers.capacity),
        part_size=toml_text(answers.part_size), label=answers.org.upper(), tapes=max(0, min(14, answers.slots - 2)),
        digits="%" * max(3, len(str(answers.slots))), count=max(3, len(str(answers.slots))),
    ) + _PROVING + _DUMPTYPES.format(compress=toml_text(answers.compress)) + _hosts(answers) + _disks(answers)


def _holding(answers: Answers) -> str:
    if not answers.holding:
        return "# No holding disk: every dump goes straight to a volume, one at a time.\n\n"
    return _HOLDING.format(path=toml_text(answers.holding), use=toml_text(answers.holding_use))


def _hosts(answers: Answers) -> str:
    tables = [f"[host.{_key(host)}]\naddress = {toml_text(address)}\n" for host, address in answers.addresses]
    return _HOSTS + "".join(f"{table}\n" for table in tables)


def _disks(answers: Answers) -> str:
    text = _DISKS
    for host, disk in answers.disks:
        text += "\n" + disk_table(host, disk, {"dumptype": "here" if host in answers.local else "default"})
    return text


def _key(name: str) -> str:
    return name if name.replace("-", "").replace("_", "").isalnum() and name.isascii() else toml_text(name)


_HEAD = """\
# Configuration of Taperoom.  'taperoom check' reads it and says what does not fit;
# every key stands here or in 'taperoom explain configuration'.  Sizes and times have units.

org = {org}
state_dir = {state_dir}   # journals, indexes, tapelist, catalogue

[run]
dumpcycle = {dumpcycle}        # every disk gets a full dump at least this often
runtapes = 2                # volumes that one run may fill
inparallel = 4              # dumps at once
maxdumps = 1                # of them on one client
netusage = "900 Mbps"
dumporder = "BTsS"          # a letter a dumper: big, long, small ones first (S size, T time, B bandwidth)
request_deadline = "1 h"    # an open question takes its default after that
retry_delay = "30 s"        # a disk that answered TRY-AGAIN waits that long, times the attempt
child_timeout = "15 min"    # a dumper that says nothing for so long is ended, and its work is tried again
# What is answered without a person, by the code of the question:
# requests = {{ "HLD*" = {{ reply = "flush", after = "10 min" }} }}

"""
_HOLDING = """\
[[holding]]
path = {path}
use = {use}             # a size; with a minus sign all but that much
chunksize = "1 GiB"
reserve = 30                # percent of it for incrementals when there is no volume

"""
_STORAGE = """\
[storage.main]
changer = {changer}
slots = {slots}
capacity = {capacity}        # of one volume
part_size = {part_size}        # a dump is cut into parts of this size
label = '{label}-[0-9]{{{count}}}'
autolabel = "{label}-{digits}"     # labels blank volumes by itself
retention = {{ tapes = {tapes}, days = 0, full = 1 }}   # what is kept from being overwritten

"""
_PROVING = """\
[verify]
every = "30 days"           # 'taperoom verify', by cron, reads again what was not read for so long

[drill]
files = 10                  # 'taperoom drill' restores so many of each disk and compares them
# scratch = "/var/tmp"      # where to; at most so much is there at once:
limit = "1 GiB"

"""
_DUMPTYPES = """\
[dumptype.default]
auth = "ssh"                # the client is reached with: ssh -l USER HOST taperoom-clientd
compress = {compress}    # none, or: client|server fast|best
priority = "medium"
# exclude = ["./*/.cache"]  # as tar takes it, from the disk's own directory

[dumptype.here]
like = "default"
auth = "local"              # this machine itself

"""
_HOSTS = """\
# A host needs a table only where something differs:
# [host.web1]
# address = "web1.example.org"
# user = "backup"
# ssh_key = "/etc/taperoom/id_backup"
# maxdumps = 2

"""
_DISKS = """\
# The disklist: 'taperoom disk add HOST:DISK' writes here, too.
"""
