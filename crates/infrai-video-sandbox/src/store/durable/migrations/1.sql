-- Times are RFC 3339 in UTC, money is in millionths of a US dollar, and numbers above 2^63 are text.

CREATE TABLE meta (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    seed TEXT NOT NULL,
    -- The earliest time at which the clock may go on.
    clock TEXT,
    -- How often a sandbox was started on this state.
    starts INTEGER NOT NULL
) STRICT;

CREATE TABLE accounts (name TEXT PRIMARY KEY) STRICT, WITHOUT ROWID;

CREATE TABLE jobs (
    number INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    account TEXT NOT NULL,
    request_id TEXT NOT NULL,
    request_json TEXT NOT NULL,
    vendor TEXT NOT NULL,
    model TEXT NOT NULL,
    cost_micros INTEGER NOT NULL,
    idempotency_key TEXT,
    created_at TEXT NOT NULL,
    starts_at TEXT NOT NULL,
    ends_at TEXT NOT NULL,
    failure_json TEXT,
    cancelled_at TEXT,
    expires_at TEXT NOT NULL,
    clip_gone INTEGER NOT NULL
) STRICT;

-- Deleting such a job once more succeeds.
CREATE TABLE deleted_jobs (
    account TEXT NOT NULL,
    id TEXT NOT NULL,
    PRIMARY KEY (account, id)
) STRICT, WITHOUT ROWID;

CREATE TABLE ledger (
    entry INTEGER PRIMARY KEY,
    account TEXT NOT NULL,
    kind TEXT NOT NULL,
    amount_micros INTEGER NOT NULL,
    job_number INTEGER,
    job_id TEXT,
    idempotency_key TEXT,
    request TEXT NOT NULL,
    at TEXT NOT NULL
) STRICT;

CREATE TABLE idempotency_keys (
    account TEXT NOT NULL,
    key TEXT NOT NULL,
    operation TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    used_at TEXT NOT NULL,
    data_json TEXT NOT NULL,
    vendor TEXT,
    PRIMARY KEY (account, key)
) STRICT, WITHOUT ROWID;

CREATE TABLE topups (
    id TEXT PRIMARY KEY,
    account TEXT NOT NULL,
    amount_micros INTEGER NOT NULL,
    paid INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Jobs whose caller was never told of them.
CREATE TABLE lost_answers (job_number INTEGER PRIMARY KEY) STRICT;
