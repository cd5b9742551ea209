-- The kind of incident that its guide names, for listings of one kind.

ALTER TABLE streams ADD COLUMN category TEXT;
UPDATE streams SET category = json_extract(CAST(summary AS TEXT), '$.category') WHERE json_valid(CAST(summary AS TEXT));
CREATE INDEX streams_category ON streams (tenant, category COLLATE NOCASE, opened_us, stream) WHERE category IS NOT NULL;
