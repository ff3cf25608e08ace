"""The names in a dump from the dump itself, where no index tells them."""

from __future__ import annotations

from core.catalogue.queries import Dump
from core.errors import WorldError
from core.index.names import clean_path
from core.index.record import Mark
from core.model.site import Site
from core.restore.extract import Counter, archive_of
from core.restore.listing import Listing, of_directory
from core.restore.places import Reader
from core.restore.shelves import Absent, Shelves
from core.restore.source import Place, Warn
from core.restore.tarstream import Member, TarStream


def scan(site: Site, dump: Dump, count: Counter, warn: Warn, *, head: bool = False) -> Listing:
    """The listing of a dump from the dump itself; with ``head`` only as far as its first directory, which has the renames.

    WorldError RST024 when no copy can be read.
    """
    def use(place: Place) -> Listing:
        listing = Listing(renames=[])
        stream = lister(listing)
        for piece in archive_of(site, dump, place, count):
            stream.feed(piece)
            if head and listing.exact:
                return listing
        stream.finish()
        return listing

    try:
        return Reader(site, dump, warn, Shelves(site)).first_good(use)
    except Absent as fault:
        raise unreadable(dump, fault) from fault


def lister(listing: Listing) -> TarStream:
    """What takes the names of an archive that it is fed into ``listing``."""
    def member(found: Member) -> bool:
        if (path := clean_path(found.name)) is not None:
            listing.add(path, Mark.DIRECTORY if found.is_directory else Mark.FILE)
        return False

    def directory(name: bytes, body: bytes) -> None:
        if (path := clean_path(name)) is not None:
            of_directory(listing, path, body)

    return TarStream(member, lambda piece: None, directory)


def unreadable(dump: Dump, fault: Absent) -> WorldError:
    """What to say of a dump when a volume of it did not come."""
    title = f"{dump.host}:{dump.disk} level {dump.level} of {dump.datestamp}"
    return WorldError("RST024", f"{title} cannot be read: {fault.message}", fault.hint)
