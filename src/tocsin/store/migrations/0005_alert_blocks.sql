-- The alert table in blocks of 64 neighbouring slots of one tenant (core/cells.py says what is in them): a row per alert
-- cost the writer more than everything else that is done for a new alert. The rows of `alerts` and `alert_bodies` are
-- moved here, and those tables dropped, when the database is opened (store/converting.py).
CREATE TABLE alert_blocks (
    number INTEGER PRIMARY KEY,  -- the first slot / 64
    tenant TEXT NOT NULL,
    cells  BLOB NOT NULL
);

-- What the numbers in cells mean: sources, incidents, verdicts.
CREATE TABLE alert_words (
    tenant TEXT NOT NULL,
    kind   TEXT NOT NULL,
    number INTEGER NOT NULL,
    value  BLOB NOT NULL,
    PRIMARY KEY (tenant, kind, number)
) WITHOUT ROWID;

-- Labels, annotations and links of 16 neighbouring slots.
CREATE TABLE alert_texts (
    number INTEGER PRIMARY KEY,  -- the first slot / 16
    tenant TEXT NOT NULL,
    bodies BLOB NOT NULL
);
