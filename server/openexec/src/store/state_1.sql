-- One row per run. `events` and `head` say how the journal ends, so that a missing end is seen.
CREATE TABLE run (
    id            TEXT    NOT NULL PRIMARY KEY,
    started_at_ms INTEGER NOT NULL CHECK (started_at_ms >= 0),
    events        INTEGER NOT NULL CHECK (events >= 1),
    last_event    TEXT    NOT NULL,
    head          BLOB    NOT NULL CHECK (length(head) = 32)
) STRICT;

CREATE TABLE journal (
    run   TEXT    NOT NULL REFERENCES run (id),
    seq   INTEGER NOT NULL CHECK (seq >= 1),
    at_ms INTEGER NOT NULL CHECK (at_ms >= 0),
    name  TEXT    NOT NULL,
    body  TEXT    NOT NULL,
    chain BLOB    NOT NULL CHECK (length(chain) = 32),
    PRIMARY KEY (run, seq)
) STRICT;

CREATE TRIGGER journal_is_continuous BEFORE INSERT ON journal
WHEN NEW.seq <> 1 + coalesce((SELECT max(seq) FROM journal WHERE run = NEW.run), 0)
BEGIN SELECT raise(ABORT, 'the journal has no gaps and no second versions'); END;

CREATE TRIGGER journal_is_not_updated BEFORE UPDATE ON journal
BEGIN SELECT raise(ABORT, 'the journal is append-only'); END;

CREATE TRIGGER journal_is_not_deleted BEFORE DELETE ON journal
BEGIN SELECT raise(ABORT, 'the journal is append-only'); END;

CREATE TABLE memory (
    run    TEXT    NOT NULL PRIMARY KEY,
    at_ms  INTEGER NOT NULL,
    record TEXT    NOT NULL
) STRICT;

-- Where a record is found: a file (symbol is null) or a symbol in a file.
CREATE TABLE memory_place (
    run    TEXT NOT NULL REFERENCES memory (run) ON DELETE CASCADE,
    path   TEXT NOT NULL,
    symbol TEXT
) STRICT;

CREATE INDEX memory_place_by_path ON memory_place (path, symbol, run);
CREATE INDEX memory_place_by_run ON memory_place (run);
