-- Streams that are no incidents (duties), and which incidents have action items. No listing of incidents reads the
-- first, and the list of action items reads nothing but the second.

ALTER TABLE streams ADD COLUMN kind TEXT NOT NULL DEFAULT 'incident';
ALTER TABLE streams ADD COLUMN actions INTEGER NOT NULL DEFAULT 0;
CREATE INDEX streams_actions ON streams (tenant, opened_us, stream) WHERE kind = 'incident' AND actions > 0;
CREATE INDEX streams_duties ON streams (tenant, opened_us, stream) WHERE kind = 'duty';
