-- The tests that a run made green, by which its record is found when they fail again.
CREATE TABLE memory_test (
    run  TEXT NOT NULL REFERENCES memory (run) ON DELETE CASCADE,
    test TEXT NOT NULL
) STRICT;

CREATE INDEX memory_test_by_test ON memory_test (test, run);
CREATE INDEX memory_test_by_run ON memory_test (run);

INSERT INTO memory_test (run, test)
SELECT DISTINCT memory.run, test.value
FROM memory, json_each(memory.record, '$.repaired_tests') AS test
WHERE json_valid(memory.record);

-- The parts that the user has accepted one by one, of proposals that wait: by what they say, not by
-- their number. Nothing is agreed to by them before all of a proposal is.
CREATE TABLE accepted (
    run    TEXT    NOT NULL REFERENCES run (id),
    path   TEXT    NOT NULL,
    text   TEXT    NOT NULL,
    number INTEGER NOT NULL CHECK (number >= 1),
    PRIMARY KEY (run, path, text, number)
) STRICT;

-- Whichever process ends a run: its proposal is decided about.
CREATE TRIGGER accepted_ends_with_its_run AFTER UPDATE ON run WHEN NEW.last_event = 'run_ended'
BEGIN DELETE FROM accepted WHERE run = NEW.id; END;
