-- Who sees a private incident, as a JSON array of names; null for all others. There are few of them, and every reader asks.

ALTER TABLE streams ADD COLUMN readers TEXT;
CREATE INDEX streams_private ON streams (tenant, stream) WHERE readers IS NOT NULL;
