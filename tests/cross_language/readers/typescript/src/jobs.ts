// Starts a job and lists the account's jobs with each client. The test finds the idempotency keys in the sandbox's journal.

import axios from "axios";
import assert from "node:assert/strict";
import { client as hey } from "./hey/client.gen";
import { videoGenerate, videoList } from "./hey/sdk.gen";
import * as kubb from "./kubb";
import { setConfig } from "./kubb/.kubb/fetch";
import * as generator from "./openapi-generator";
import * as orval from "./orval";

const baseUrl = process.env["INFRAI_BASE_URL"]!;
const body = { prompt: "a city", resolution: "720p" };

async function withHey(token: string, key: string) {
  hey.setConfig({ baseUrl, auth: token });
  const { data } = await videoGenerate({ body, headers: { "Idempotency-Key": key }, throwOnError: true });
  const page = await videoList({ query: { limit: 10 }, throwOnError: true });
  return [data.data, page.data.data.items] as const;
}

async function withKubb(token: string, key: string) {
  setConfig({ baseURL: baseUrl, headers: { Authorization: `Bearer ${token}` } });
  const job = await kubb.videoGenerate(body, { "Idempotency-Key": key });
  const page = await kubb.videoList({ limit: 10 });
  return [job.data, page.data.items] as const;
}

async function withOrval(token: string, key: string) {
  axios.defaults.baseURL = baseUrl;
  axios.defaults.headers.common.Authorization = `Bearer ${token}`;
  const job = await orval.videoGenerate(body, { "Idempotency-Key": key });
  const page = await orval.videoList({ limit: 10 });
  return [job.data.data, page.data.data.items] as const;
}

async function withGenerator(token: string, key: string) {
  const jobs = new generator.JobsApi(new generator.Configuration({ basePath: baseUrl, accessToken: token }));
  const job = await jobs.videoGenerate({ generateRequest: body, idempotencyKey: key });
  const page = await jobs.videoList({ limit: 10 });
  const items = page.data.items?.map(({ jobId, state }) => ({ job_id: jobId, state }));
  return [{ job_id: job.data.jobId, state: job.data.state }, items] as const;
}

async function main(): Promise<void> {
  const clients = { "hey-api": withHey, kubb: withKubb, orval: withOrval, "openapi-generator": withGenerator };
  for (const [name, start] of Object.entries(clients)) {
    const [job, items] = await start(`ifr_pk_${name}`, `key-of-${name}`);
    assert.equal(job.state, "queued");
    assert.deepEqual(items?.map(({ job_id }) => job_id), [job.job_id]);
    console.log(name);
  }
}

main().catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
