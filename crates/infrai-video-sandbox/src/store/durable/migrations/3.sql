-- Each row is a transaction. Each line of it is a JSON array of changes, which are applied in this order. A sandbox that opens the
-- file replaces the tables of earlier formats with such rows.
CREATE TABLE changes (
    number INTEGER PRIMARY KEY,
    changes_json TEXT NOT NULL
) STRICT;
