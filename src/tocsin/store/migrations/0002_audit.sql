-- The audit trail: one append-only log per tenant. `body` is the exact bytes that the chain and the tree are made of;
-- `salt` and `content` open its commitment, and are all that an erasure takes away.
CREATE TABLE audit (
    tenant      TEXT NOT NULL,
    seq         INTEGER NOT NULL,
    recorded_us INTEGER NOT NULL,
    body        BLOB NOT NULL,
    hash        BLOB NOT NULL,
    salt        BLOB,
    content     BLOB,
    PRIMARY KEY (tenant, seq)
) WITHOUT ROWID;

CREATE TRIGGER audit_is_not_edited BEFORE UPDATE OF tenant, seq, recorded_us, body, hash ON audit
BEGIN SELECT RAISE(ABORT, 'the audit trail is append-only'); END;

CREATE TRIGGER audit_is_not_deleted BEFORE DELETE ON audit
BEGIN SELECT RAISE(ABORT, 'the audit trail is append-only'); END;

-- Where each log stood some entries ago: what an append needs is folded from there. `frontier`: roots of the perfect subtrees, 32 bytes each.
CREATE TABLE audit_heads (
    tenant      TEXT PRIMARY KEY,
    size        INTEGER NOT NULL,
    hash        BLOB NOT NULL,
    frontier    BLOB NOT NULL,
    recorded_us INTEGER NOT NULL
) WITHOUT ROWID;

-- Signed heads (C2SP checkpoints), and where each was anchored outside.
CREATE TABLE audit_checkpoints (
    tenant TEXT NOT NULL,
    size   INTEGER NOT NULL,
    at_us  INTEGER NOT NULL,
    note   TEXT NOT NULL,
    PRIMARY KEY (tenant, size)
) WITHOUT ROWID;

CREATE TABLE audit_anchors (
    tenant TEXT NOT NULL,
    anchor TEXT NOT NULL,
    size   INTEGER NOT NULL,
    at_us  INTEGER NOT NULL,
    detail TEXT NOT NULL,
    PRIMARY KEY (tenant, anchor)
) WITHOUT ROWID;

-- The columns that people's queries name; `created_at` compares with SQLite's datetime('now', '-1 hour').
CREATE VIEW audit_log_entries AS
SELECT
    tenant AS tenant_id,
    seq,
    json_extract(CAST(body AS TEXT), '$.actor') AS actor_id,
    json_extract(CAST(body AS TEXT), '$.action') AS action,
    json_extract(CAST(body AS TEXT), '$.resource_type') AS resource_type,
    json_extract(CAST(body AS TEXT), '$.resource') AS resource_id,
    json_extract(CAST(body AS TEXT), '$.detail') AS detail,
    strftime('%Y-%m-%d %H:%M:', recorded_us / 1000000, 'unixepoch')
        || printf('%09.6f', (recorded_us % 60000000) / 1000000.0) AS created_at
FROM audit;
