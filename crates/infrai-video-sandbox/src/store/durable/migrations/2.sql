-- How far the clock of an account is ahead of the sandbox's, in nanoseconds.
ALTER TABLE accounts ADD COLUMN ahead_ns INTEGER NOT NULL DEFAULT 0;
