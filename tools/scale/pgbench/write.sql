\set n random(1, 200000)
UPDATE items SET attempt = 1, submission = repeat('s', 500), target = 'file', overwrite = 0,
    stage = (ARRAY['sent', 'accepted', 'fetched', 'saved'])[1 + (random() * 3)::int], job_state = 'running', bytes = 5000000,
    updated_at = CAST(extract(epoch FROM clock_timestamp()) * 1000 AS BIGINT)
WHERE service = 'https://api.infrai.cc' AND id = 'item-' || :n AND worker = 'worker-' || (:n::int % 100);
