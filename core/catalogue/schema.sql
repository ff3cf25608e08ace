-- The catalogue: an index over the journals of all runs.  Never the truth: `rebuild` makes it again from them.
-- Sizes are KiB, times seconds since the epoch, CRCs "%08x:bytes".  A name that is not UTF-8 is kept as a BLOB.

CREATE TABLE runs (
    run       TEXT PRIMARY KEY,              -- the name of its directory, its datestamp
    datestamp TEXT NOT NULL DEFAULT '',
    org       TEXT NOT NULL DEFAULT '',
    config    TEXT NOT NULL DEFAULT '',
    by        TEXT NOT NULL DEFAULT '',
    hosts     INTEGER NOT NULL DEFAULT 0,
    disks     INTEGER NOT NULL DEFAULT 0,
    began     REAL NOT NULL DEFAULT 0,
    ended     REAL NOT NULL DEFAULT 0,
    code      INTEGER NOT NULL DEFAULT -1,   -- exit code; -1: has no end yet
    done      INTEGER NOT NULL DEFAULT 0,
    failed    INTEGER NOT NULL DEFAULT 0,
    left_on_holding INTEGER NOT NULL DEFAULT 0,
    seq       INTEGER NOT NULL DEFAULT 0     -- the last record that is in these tables
) WITHOUT ROWID;

CREATE TABLE disks (                         -- the last word on a disk in a run
    run TEXT NOT NULL, host TEXT NOT NULL, disk TEXT NOT NULL,
    level   INTEGER NOT NULL DEFAULT -1,
    outcome TEXT NOT NULL DEFAULT '',        -- '': planned, nothing said yet
    why     TEXT NOT NULL DEFAULT '',
    message TEXT NOT NULL DEFAULT '',
    PRIMARY KEY (run, host, disk)
) WITHOUT ROWID;

CREATE TABLE dumps (                         -- every attempt to dump, and dumps that a run found on the holding disk
    run TEXT NOT NULL, handle TEXT NOT NULL,
    host TEXT NOT NULL, disk TEXT NOT NULL, datestamp TEXT NOT NULL, level INTEGER NOT NULL,
    began    REAL NOT NULL DEFAULT 0,
    ended    REAL NOT NULL DEFAULT 0,
    attempt  INTEGER NOT NULL DEFAULT 1,
    outcome  TEXT NOT NULL DEFAULT '',
    message  TEXT NOT NULL DEFAULT '',
    size     INTEGER NOT NULL DEFAULT 0,
    orig     INTEGER NOT NULL DEFAULT 0,
    seconds  REAL NOT NULL DEFAULT 0,
    native_crc TEXT NOT NULL DEFAULT '',
    client_crc TEXT NOT NULL DEFAULT '',
    server_crc TEXT NOT NULL DEFAULT '',
    file     TEXT NOT NULL DEFAULT '',       -- on the holding disk; '' when it is not (any more)
    dumpdate TEXT NOT NULL DEFAULT '',
    PRIMARY KEY (run, handle)
) WITHOUT ROWID;
CREATE INDEX dumps_of_disk ON dumps (host, disk, datestamp, level);
CREATE INDEX dumps_on_holding ON dumps (file) WHERE file <> '';

CREATE TABLE writes (                        -- every attempt to write a dump to a storage
    run TEXT NOT NULL, handle TEXT NOT NULL, storage TEXT NOT NULL,
    host TEXT NOT NULL, disk TEXT NOT NULL, datestamp TEXT NOT NULL, level INTEGER NOT NULL,
    seq      INTEGER NOT NULL,               -- of its WriteBegan: parts before it belong to an earlier attempt
    began    REAL NOT NULL DEFAULT 0,
    ended    REAL NOT NULL DEFAULT 0,
    outcome  TEXT NOT NULL DEFAULT '',
    message  TEXT NOT NULL DEFAULT '',
    size     INTEGER NOT NULL DEFAULT 0,
    parts    INTEGER NOT NULL DEFAULT 0,
    seconds  REAL NOT NULL DEFAULT 0,
    crc      TEXT NOT NULL DEFAULT '',
    PRIMARY KEY (run, handle, storage)
) WITHOUT ROWID;
CREATE INDEX writes_of_dump ON writes (host, disk, datestamp, level);

CREATE TABLE parts (                         -- what is on the volumes now; a volume written anew loses its old parts
    storage TEXT NOT NULL, label TEXT NOT NULL, fileno INTEGER NOT NULL,
    run TEXT NOT NULL, handle TEXT NOT NULL, seq INTEGER NOT NULL,
    part INTEGER NOT NULL,
    size INTEGER NOT NULL,
    crc  TEXT NOT NULL,
    PRIMARY KEY (storage, label, fileno)
) WITHOUT ROWID;
CREATE INDEX parts_of_write ON parts (run, handle, storage);

CREATE TABLE volumes (
    storage TEXT NOT NULL, label TEXT NOT NULL,
    run     TEXT NOT NULL,                   -- that wrote it last
    written TEXT NOT NULL,                   -- datestamp in its label
    number  INTEGER NOT NULL DEFAULT 0,
    began   REAL NOT NULL DEFAULT 0,
    size    INTEGER NOT NULL DEFAULT 0,
    parts   INTEGER NOT NULL DEFAULT 0,
    closed  INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (storage, label)
) WITHOUT ROWID;

CREATE TABLE requests (
    run TEXT NOT NULL, id INTEGER NOT NULL,
    code TEXT NOT NULL, severity TEXT NOT NULL, subject TEXT NOT NULL, text TEXT NOT NULL,
    fallback TEXT NOT NULL,                  -- the choice that silence makes
    asked    REAL NOT NULL,
    deadline REAL NOT NULL,
    closed   REAL NOT NULL DEFAULT 0,
    choice   TEXT NOT NULL DEFAULT '',
    argument TEXT NOT NULL DEFAULT '',
    by       TEXT NOT NULL DEFAULT '',
    PRIMARY KEY (run, id)
) WITHOUT ROWID;

CREATE TABLE estimates (
    run TEXT NOT NULL, host TEXT NOT NULL, disk TEXT NOT NULL, level INTEGER NOT NULL,
    size INTEGER NOT NULL,
    PRIMARY KEY (run, host, disk, level)
) WITHOUT ROWID;
