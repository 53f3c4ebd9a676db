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
