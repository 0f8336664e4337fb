-- How far the clock of an account is ahead of the sandbox's, in nanoseconds.
ALTER TABLE accounts ADD COLUMN ahead_ns INTEGER NOT NULL DEFAULT 0;

-- The numbers of jobs and top-ups of accounts that were reset are not used again.
ALTER TABLE meta ADD COLUMN last_job_number INTEGER NOT NULL DEFAULT 0;
ALTER TABLE meta ADD COLUMN topups_forgotten INTEGER NOT NULL DEFAULT 0;
