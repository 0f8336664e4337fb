-- What was asked for, one row for each clip that is wanted. SQLite and PostgreSQL both read this file. Times are
-- milliseconds since 1970, by the clock of the database.
CREATE TABLE items (
    service      TEXT NOT NULL,    -- the base URL of the API
    id           TEXT NOT NULL,    -- stays the same when an item of a batch is tried anew under another key
    batch        TEXT,             -- the batch that it belongs to
    line         BIGINT,           -- its line in the plan, counted from 1
    name         TEXT,             -- its name in the plan
    attempt      BIGINT NOT NULL,  -- how often it was planned: 1, and one more for each `batch retry`
    key          TEXT NOT NULL,    -- the idempotency key
    request      TEXT NOT NULL,    -- what is asked for, as JSON, without the key
    seconds      DOUBLE PRECISION, -- the length that is asked for
    submission   TEXT,             -- the key and the exact body, as JSON, once they may have been sent
    account      TEXT,             -- tells one API key from another; the key itself is not in here
    target       TEXT NOT NULL,    -- where the clip goes: file, directory, stdout or nowhere
    output       TEXT,             -- the path of that file or directory
    overwrite    BIGINT NOT NULL,  -- 1 where a file that is there already may be replaced
    stage        TEXT NOT NULL,
    job_id       TEXT,
    job_state    TEXT,             -- the last state of the job that was read
    cost_usd     DOUBLE PRECISION,
    error        TEXT,
    error_code   TEXT,
    path         TEXT,             -- where the clip is
    bytes        BIGINT,
    sha256       TEXT,
    machine      TEXT,             -- the host that has the clip
    worker       TEXT,             -- the process that works on it
    lease_until  BIGINT NOT NULL,  -- until when that process may be taken to be alive
    created_at   BIGINT NOT NULL,
    updated_at   BIGINT NOT NULL,
    PRIMARY KEY (service, id)
);

CREATE INDEX items_by_batch ON items (service, batch, stage);
CREATE INDEX items_by_job ON items (job_id);
CREATE INDEX items_by_worker ON items (worker);
