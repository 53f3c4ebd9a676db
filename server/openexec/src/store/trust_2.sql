CREATE TABLE trusted_file (
    root   BLOB NOT NULL,
    path   TEXT NOT NULL,
    digest TEXT NOT NULL,
    text   TEXT,
    PRIMARY KEY (root, path)
) STRICT;
