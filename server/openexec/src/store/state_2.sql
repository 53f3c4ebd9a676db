-- Errors in their normal form, by which a run's record is found again.
CREATE TABLE memory_error (
    run   TEXT NOT NULL REFERENCES memory (run) ON DELETE CASCADE,
    error TEXT NOT NULL
) STRICT;

CREATE INDEX memory_error_by_error ON memory_error (error, run);
CREATE INDEX memory_error_by_run ON memory_error (run);

-- The user's own records.
CREATE TABLE record (
    kind   TEXT NOT NULL,
    id     TEXT NOT NULL,
    record TEXT NOT NULL,
    PRIMARY KEY (kind, id)
) STRICT;
