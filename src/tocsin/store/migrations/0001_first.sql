-- Instants are integers: microseconds since the epoch, UTC. Every row that belongs to somebody carries its tenant.

CREATE TABLE meta (
    name  TEXT PRIMARY KEY,
    value INTEGER NOT NULL
) WITHOUT ROWID;

-- The facts as they were encoded, byte for byte; never updated, never deleted.
CREATE TABLE facts (
    tenant  TEXT NOT NULL,
    stream  TEXT NOT NULL,
    version INTEGER NOT NULL,
    body    BLOB NOT NULL,
    PRIMARY KEY (tenant, stream, version)
) WITHOUT ROWID;

-- One row per stream: its version, its one wake-up, and what listings show. `summary` is last, because it is long.
CREATE TABLE streams (
    tenant          TEXT NOT NULL,
    stream          TEXT NOT NULL,
    version         INTEGER NOT NULL,
    wake_us         INTEGER,
    opened_us       INTEGER NOT NULL,
    acknowledged_us INTEGER,
    resolved_us     INTEGER,
    status          TEXT NOT NULL,
    severity        TEXT NOT NULL,
    rank            INTEGER NOT NULL,
    service         TEXT,
    guide           TEXT NOT NULL,
    firing          INTEGER NOT NULL,
    drill           INTEGER NOT NULL,
    reference       TEXT NOT NULL,
    title           TEXT NOT NULL,
    search          TEXT NOT NULL,  -- reference and title, case folded
    summary         BLOB NOT NULL
);
CREATE UNIQUE INDEX streams_name ON streams (tenant, stream);
CREATE INDEX streams_wake ON streams (wake_us, tenant, stream) WHERE wake_us IS NOT NULL;
CREATE INDEX streams_opened ON streams (tenant, opened_us, stream);
CREATE INDEX streams_status ON streams (tenant, status, opened_us, stream);

CREATE TABLE claims (
    tenant TEXT NOT NULL,
    kind   TEXT NOT NULL,
    name   TEXT NOT NULL,
    stream TEXT NOT NULL,
    PRIMARY KEY (tenant, kind, name)
) WITHOUT ROWID;

CREATE TABLE counters (
    tenant TEXT NOT NULL,
    name   TEXT NOT NULL,
    last   INTEGER NOT NULL,
    PRIMARY KEY (tenant, name)
) WITHOUT ROWID;

-- What is still owed: one row per page and method, gone once it was sent, given up or forgiven.
-- `due_us`: not before this instant; while an attempt is leased, the end of the lease.
CREATE TABLE owed (
    tenant   TEXT NOT NULL,
    page     TEXT NOT NULL,
    method   INTEGER NOT NULL,
    stream   TEXT NOT NULL,
    person   TEXT NOT NULL,
    kind     TEXT NOT NULL,
    address  TEXT NOT NULL,
    level    INTEGER NOT NULL,
    notice   INTEGER NOT NULL,
    due_us   INTEGER NOT NULL,
    attempts INTEGER NOT NULL,
    lease    INTEGER,
    PRIMARY KEY (tenant, page, method)
) WITHOUT ROWID;
CREATE INDEX owed_due ON owed (tenant, person, notice, due_us, page, method);
CREATE INDEX owed_lease ON owed (lease) WHERE lease IS NOT NULL;

-- Per person: when the next page (notice 0) or notice (1) may be sent, the throttle considered.
CREATE TABLE lines (
    tenant   TEXT NOT NULL,
    person   TEXT NOT NULL,
    notice   INTEGER NOT NULL,
    ready_us INTEGER NOT NULL,
    PRIMARY KEY (tenant, person, notice)
) WITHOUT ROWID;
CREATE INDEX lines_ready ON lines (notice, ready_us, tenant, person);

-- Messages sent, or whose outcome is not known; the throttle counts them. The id is the lease, and is never used again.
CREATE TABLE sends (
    id     INTEGER PRIMARY KEY AUTOINCREMENT,
    tenant TEXT NOT NULL,
    person TEXT NOT NULL,
    at_us  INTEGER NOT NULL
);
CREATE INDEX sends_person ON sends (tenant, person, at_us);
CREATE INDEX sends_at ON sends (at_us);

CREATE TABLE documents (
    tenant TEXT NOT NULL,
    kind   TEXT NOT NULL,
    name   TEXT NOT NULL,
    value  BLOB NOT NULL,
    PRIMARY KEY (tenant, kind, name)
);

-- Alert episodes by a growing number. No index on the fingerprint: it is random, and every insert would touch another
-- page of it; the alert table in memory finds the slot.
CREATE TABLE alerts (
    slot        INTEGER PRIMARY KEY,
    tenant      TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    source      TEXT NOT NULL,
    state       INTEGER NOT NULL,
    starts_us   INTEGER NOT NULL,
    ends_us     INTEGER NOT NULL,
    timeout     INTEGER NOT NULL,
    updated_us  INTEGER NOT NULL,
    count       INTEGER NOT NULL,
    incident    TEXT,
    verdict     BLOB
);

CREATE TABLE alert_bodies (
    slot   INTEGER PRIMARY KEY,
    tenant TEXT NOT NULL,
    body   BLOB NOT NULL
);
