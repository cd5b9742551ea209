-- What is worse goes first: 0 for pages of the worst severity to 3 for mild ones, 4 for notices (store/throttle.py).

ALTER TABLE owed ADD COLUMN turn INTEGER NOT NULL DEFAULT 0;
UPDATE owed SET turn = 4 WHERE notice = 1;
DROP INDEX owed_due;
CREATE INDEX owed_due ON owed (tenant, person, turn, due_us, page, method);
