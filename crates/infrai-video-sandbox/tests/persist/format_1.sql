-- What a sandbox of formats 1 and 2 stored: three jobs, of which one was deleted and one cancelled, and a top-up that is not paid.

INSERT INTO meta (id, seed, clock, starts) VALUES
    (1, '7', '2026-01-01T00:00:00Z', 1);
INSERT INTO accounts (name) VALUES
    ('acct_53b8918f7038b51a');
INSERT INTO jobs (number, id, account, request_id, request_json, vendor, model, cost_micros, idempotency_key, created_at, starts_at, ends_at, failure_json, cancelled_at, expires_at, clip_gone) VALUES
    (1, 'vj_01kdvdna0072j7wza5pyg4njbp', 'acct_53b8918f7038b51a', 'req_01kdvdna00e9kyyxvs06b3jscy', '{"prompt":"a lighthouse","reference_image_url":null,"duration_seconds":1.0,"aspect":"16:9","resolution":"720p","prefer":"cheapest"}', 'sandbox-swift', 'swift-1', 10000, 'k1', '2026-01-01T00:00:00Z', '2026-01-01T00:00:01Z', '2026-01-01T00:00:02.25Z', NULL, NULL, '2026-01-31T00:00:02.25Z', 0),
    (3, 'vj_01kdvdna007deqy9pm3fnhn1sd', 'acct_53b8918f7038b51a', 'req_01kdvdna00jjshweepn5axmkvn', '{"prompt":"a storm","reference_image_url":null,"duration_seconds":1.0,"aspect":"16:9","resolution":"720p","prefer":"cheapest"}', 'sandbox-swift', 'swift-1', 10000, 'k3', '2026-01-01T00:00:00Z', '2026-01-01T00:00:01Z', '2026-01-01T00:00:02.25Z', NULL, '2026-01-01T00:00:00Z', '2026-01-31T00:00:02.25Z', 0);
INSERT INTO deleted_jobs (account, id) VALUES
    ('acct_53b8918f7038b51a', 'vj_01kdvdna00nnxw195n48b390nc');
INSERT INTO ledger (entry, account, kind, amount_micros, job_number, job_id, idempotency_key, request, at) VALUES
    (1, 'acct_53b8918f7038b51a', 'opening', 100000000, NULL, NULL, NULL, '', '2026-01-01T00:00:00Z'),
    (2, 'acct_53b8918f7038b51a', 'charge', -10000, 1, 'vj_01kdvdna0072j7wza5pyg4njbp', 'k1', '7ead42344e268498177ee2282db9110e5d3687323edd481907941e67f3c6f957', '2026-01-01T00:00:00Z'),
    (3, 'acct_53b8918f7038b51a', 'charge', -10000, 2, 'vj_01kdvdna00nnxw195n48b390nc', 'k2', '61d59f4b1af3d37110bf6982fb105846b1915c1d7f3b0c27e5849dee40f3caa7', '2026-01-01T00:00:00Z'),
    (4, 'acct_53b8918f7038b51a', 'charge', -10000, 3, 'vj_01kdvdna007deqy9pm3fnhn1sd', 'k3', 'c0f14005ee38f91f1a53e595b4e6f47fc103f539bc1dfce8ce80ea6e57b96f6f', '2026-01-01T00:00:00Z'),
    (5, 'acct_53b8918f7038b51a', 'refund', 10000, 2, 'vj_01kdvdna00nnxw195n48b390nc', 'k2', '', '2026-01-01T00:00:00Z'),
    (6, 'acct_53b8918f7038b51a', 'refund', 10000, 3, 'vj_01kdvdna007deqy9pm3fnhn1sd', 'k3', '', '2026-01-01T00:00:00Z');
INSERT INTO idempotency_keys (account, key, operation, fingerprint, used_at, data_json, vendor) VALUES
    ('acct_53b8918f7038b51a', 'k1', 'generate', '7ead42344e268498177ee2282db9110e5d3687323edd481907941e67f3c6f957', '2026-01-01T00:00:00Z', '{"error":null,"job_id":"vj_01kdvdna0072j7wza5pyg4njbp","state":"queued","thumbnail_url":null,"video_url":null}', 'sandbox-swift'),
    ('acct_53b8918f7038b51a', 'k2', 'generate', '61d59f4b1af3d37110bf6982fb105846b1915c1d7f3b0c27e5849dee40f3caa7', '2026-01-01T00:00:00Z', '{"error":null,"job_id":"vj_01kdvdna00nnxw195n48b390nc","state":"queued","thumbnail_url":null,"video_url":null}', 'sandbox-swift'),
    ('acct_53b8918f7038b51a', 'k3', 'generate', 'c0f14005ee38f91f1a53e595b4e6f47fc103f539bc1dfce8ce80ea6e57b96f6f', '2026-01-01T00:00:00Z', '{"error":null,"job_id":"vj_01kdvdna007deqy9pm3fnhn1sd","state":"queued","thumbnail_url":null,"video_url":null}', 'sandbox-swift');
INSERT INTO topups (id, account, amount_micros, paid) VALUES
    ('co_01kdvdna00354ctv1rjhf70731', 'acct_53b8918f7038b51a', 5000000, 0);
