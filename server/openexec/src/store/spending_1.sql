-- One row per call to a model. While `settled` is 0, the row is a reservation: what the call can
-- take at most. A reservation that nobody settles, because its process died, counts as spent.
CREATE TABLE spending (
    call               INTEGER NOT NULL PRIMARY KEY,
    at_ms              INTEGER NOT NULL CHECK (at_ms >= 0),
    run                TEXT    NOT NULL,
    model              TEXT    NOT NULL,
    settled            INTEGER NOT NULL CHECK (settled IN (0, 1)),
    input_tokens       INTEGER NOT NULL CHECK (input_tokens >= 0),
    output_tokens      INTEGER NOT NULL CHECK (output_tokens >= 0),
    cached_tokens      INTEGER NOT NULL CHECK (cached_tokens >= 0),
    cache_write_tokens INTEGER NOT NULL CHECK (cache_write_tokens >= 0),
    tokens             INTEGER NOT NULL CHECK (tokens >= 0),
    micro_usd          INTEGER NOT NULL CHECK (micro_usd >= 0)
) STRICT;

CREATE INDEX spending_by_time ON spending (at_ms, tokens, micro_usd);
