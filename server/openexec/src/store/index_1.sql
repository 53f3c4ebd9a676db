-- One row per file of the workspace: what was found out about it, as the workspace's index has
-- written it. Every row can be made anew from the file.
CREATE TABLE file (
    id   INTEGER NOT NULL PRIMARY KEY,
    path TEXT    NOT NULL UNIQUE,
    body BLOB    NOT NULL
) STRICT;
