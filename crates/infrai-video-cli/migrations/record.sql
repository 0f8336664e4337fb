-- The migrations that were applied. SQLite and PostgreSQL both read this file.
CREATE TABLE IF NOT EXISTS _sqlx_migrations (
    version        BIGINT PRIMARY KEY,
    description    TEXT NOT NULL,
    installed_on   TIMESTAMPTZ NOT NULL DEFAULT CURRENT_TIMESTAMP,
    success        BOOLEAN NOT NULL,
    checksum       BYTEA NOT NULL, -- SHA-384 of the file
    execution_time BIGINT NOT NULL
);
