// Calls all ten operations of a sandbox whose clock is advanced manually.

import assert from "node:assert/strict";
import * as samples from "./samples.js";

export interface Tour {
  operations: number;
  errors: number;
  pages: number;
  bytes: number;
}

export async function tour(baseUrl: string, apiKey: string): Promise<Tour> {
  const called = new Set<string>();
  const client = samples.connect(baseUrl, apiKey);
  client.use({
    onRequest({ schemaPath, request }) {
      called.add(`${request.method} ${schemaPath}`);
    },
  });

  const { vendors } = await samples.capabilities(client);
  assert.ok(vendors && vendors.length > 0, "no vendors");

  const first = await samples.generate(client);
  const again = await samples.generate(client);
  assert.equal(again.job_id, first.job_id, "one key made two jobs");

  const small = await start("small");
  await waitFor(small);
  const detail = await samples.get(client, small);
  assert.equal(detail.resolution, "720p");
  const kept = await samples.setRetention(client, small);
  assert.equal(kept.retention_days, 30);
  const bytes = await download(await samples.downloadUrl(client, small));

  const refused = await client.POST("/v1/video/set_retention/{id}", {
    params: { path: { id: small } },
    body: { days: 91 },
  });
  assert.equal(refused.response.status, 422);
  assert.equal(refused.error?.error.code, "VALIDATION_FAILED");
  const missing = await client.GET("/v1/video/status/{id}", { params: { path: { id: "vj_none" } } });
  assert.equal(missing.response.status, 404);
  assert.equal(missing.error?.error.code, "NOT_FOUND");

  const late = await start("late");
  await start("fourth");
  await start("fifth");
  const pages = await samples.list(client);
  assert.deepEqual(pages.map((page) => page.length), [2, 2, 1]);
  assert.equal(new Set(pages.flat().map((job) => job.job_id)).size, 5, "a job was returned twice");

  assert.equal((await samples.cancel(client, late)).ok, true);
  assert.equal((await samples.status(client, late)).state, "cancelled");
  assert.equal((await samples.remove(client, late)).ok, true);
  assert.equal((await samples.removeAll(client)).deleted, 4);
  return { operations: called.size, errors: 2, pages: pages.length, bytes };

  async function start(key: string): Promise<string> {
    const { data, error } = await client.POST("/v1/video/generate", {
      params: { header: { "Idempotency-Key": `typescript-${key}` } },
      body: { prompt: "a city", duration_seconds: 0.2, aspect_ratio: "1:1", resolution: "720p" },
    });
    if (error) throw new Error(error.error.message);
    return data.data.job_id;
  }

  async function waitFor(jobId: string): Promise<void> {
    for (let polls = 0; polls < 1000; polls += 1) {
      const { state } = await samples.status(client, jobId);
      if (state === "succeeded") return;
      // An unknown state is not final.
      assert.ok(!["failed", "cancelled"].includes(state), `the job is ${state}`);
      await fetch(`${baseUrl}/__sandbox/clock`, { method: "POST", body: '{"advance_seconds": 2}' });
    }
    throw new Error(`${jobId} does not finish`);
  }
}

/** Downloads a clip without the API key, and returns its length in bytes. */
async function download({ url }: { url?: string | null }): Promise<number> {
  assert.ok(url, "no link");
  const response = await fetch(url);
  assert.equal(response.status, 200);
  const clip = Buffer.from(await response.arrayBuffer());
  assert.equal(clip.length, Number(response.headers.get("content-length")));
  assert.equal(clip.toString("latin1", 4, 8), "ftyp");
  return clip.length;
}
