-- What is said to audiences and subscribers: the content once, and a row for every address.

CREATE TABLE announcements (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    tenant TEXT NOT NULL,
    id     TEXT NOT NULL,
    topic  TEXT NOT NULL,
    change TEXT NOT NULL,  -- equal to the newest of its topic: the same news, not sent again
    stream TEXT NOT NULL,  -- the incident it speaks of, or empty
    at_us  INTEGER NOT NULL,
    body   BLOB NOT NULL
);
CREATE UNIQUE INDEX announcements_id ON announcements (tenant, id);
CREATE INDEX announcements_topic ON announcements (tenant, topic, number);
CREATE INDEX announcements_stream ON announcements (tenant, stream, number);
CREATE INDEX announcements_at ON announcements (at_us);

-- `state`: 0 pending, 1 sent, 2 failed, 3 withdrawn. `due_us` while pending: not before; while leased: the lease's end.
CREATE TABLE recipients (
    announcement    INTEGER NOT NULL,
    number          INTEGER NOT NULL,
    tenant          TEXT NOT NULL,
    kind            TEXT NOT NULL,
    address         TEXT NOT NULL,
    name            TEXT NOT NULL,
    unsubscribe_url TEXT NOT NULL,
    timeline        INTEGER NOT NULL,
    lane            TEXT NOT NULL,  -- the provider that is paced
    state           INTEGER NOT NULL,
    due_us          INTEGER,
    leased          INTEGER NOT NULL,
    attempts        INTEGER NOT NULL,
    at_us           INTEGER,
    code            TEXT NOT NULL,
    detail          TEXT NOT NULL,
    provider_id     TEXT NOT NULL,
    PRIMARY KEY (announcement, number)
) WITHOUT ROWID;
CREATE INDEX recipients_due ON recipients (due_us) WHERE due_us IS NOT NULL;
CREATE INDEX recipients_lane ON recipients (lane, due_us, announcement, number) WHERE due_us IS NOT NULL;
CREATE INDEX recipients_open ON recipients (tenant, kind, address) WHERE due_us IS NOT NULL;
CREATE INDEX recipients_state ON recipients (announcement, state);
