-- 200,000 items as a batch of them is while it runs. Read after the migrations of the ledger.
INSERT INTO items (service, id, batch, line, attempt, key, request, seconds, submission, target, output, overwrite, stage, job_id,
    job_state, worker, lease_until, created_at, updated_at)
SELECT 'https://api.infrai.cc', 'item-' || n, 'plan', n, 1, 'infrai-' || md5(n::text), repeat('p', 300), 5, repeat('s', 500),
    'file', '/clips/' || n || '.mp4', 0, 'accepted', 'vj_' || md5(n::text), 'queued', 'worker-' || n % 100, 0, 0, 0
FROM generate_series(1, 200000) AS n;
INSERT INTO charges (service, job_id, item, key, submitted_at)
SELECT 'https://api.infrai.cc', job_id, id, key, 0 FROM items;
VACUUM ANALYZE;
