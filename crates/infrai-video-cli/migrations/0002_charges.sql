-- What the service charged, one row for each job that it accepted. An item that is requested again under a new key has one
-- row for each of its jobs, and a request that is repeated under its key has one row. SQLite and PostgreSQL both read this
-- file. Times are milliseconds since 1970, by the clock of the database.
--
-- The job of an item: items.service = charges.service AND items.job_id = charges.job_id.
-- All jobs of an item, also those of earlier attempts: items.service = charges.service AND items.id = charges.item.
CREATE TABLE charges (
    service      TEXT NOT NULL,    -- the base URL of the API
    job_id       TEXT NOT NULL,
    item         TEXT NOT NULL,    -- the id of the item, which has the request
    key          TEXT NOT NULL,    -- the idempotency key under which the job was accepted
    vendor       TEXT,             -- as the response to the request named it
    cost_usd     DOUBLE PRECISION, -- NULL where the service did not report it, as in the response to a repeated request
    job_state    TEXT,             -- the last state that was read; `deleted` where a job was deleted before it was final
    submitted_at BIGINT NOT NULL,  -- when the request was first accepted
    finished_at  BIGINT,           -- when a process that was waiting saw the job become final; NULL if none was waiting
    PRIMARY KEY (service, job_id)
);

CREATE INDEX charges_by_time ON charges (service, submitted_at);

-- Version 1 has the last job of each item only. It stored the cost of the last response, which is 0 for a repeated request,
-- and no time of the submission: the time at which the item was planned stands for it.
INSERT INTO charges (service, job_id, item, key, cost_usd, job_state, submitted_at)
SELECT service, job_id, min(id), min(key), max(NULLIF(cost_usd, 0)),
       max(CASE WHEN stage IN ('fetched', 'saved') THEN 'succeeded' ELSE job_state END), min(created_at)
FROM items WHERE job_id IS NOT NULL
GROUP BY service, job_id;
