-- Ids say when: milliseconds of Unix time, then 20 bits of a running count. Rows arrive nearly in
-- the order of their ids, so that a table needs no second index for its time.
CREATE TABLE attempts (
    id INTEGER PRIMARY KEY,
    request_id TEXT NOT NULL,
    chain TEXT NOT NULL,
    target TEXT NOT NULL,
    body BLOB NOT NULL
) STRICT;

CREATE INDEX attempts_by_request ON attempts (request_id);

CREATE TABLE transitions (
    id INTEGER PRIMARY KEY,
    body BLOB NOT NULL
) STRICT;

-- The number of the last row that was kept of each start of a worker.
CREATE TABLE boots (
    boot TEXT PRIMARY KEY,
    last INTEGER NOT NULL,
    at REAL NOT NULL
) STRICT, WITHOUT ROWID;

-- The running count of ids, so that a restart does not give one twice.
CREATE TABLE counts (
    name TEXT PRIMARY KEY,
    value INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

INSERT INTO counts (name, value) VALUES ('ids', 0);
