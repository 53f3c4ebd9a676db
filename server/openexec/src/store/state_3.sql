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
