// openapi-fetch with types from openapi-typescript: `client.js BASE_URL ID WARM_UP MEASURED IN_FLIGHT`.

import createClient from "openapi-fetch";
import type { components, paths } from "./api.js";

type Job = components["schemas"]["VideoJob"];

const [baseUrl = "", id = ""] = process.argv.slice(2);
const [warmUp = 0, measured = 0, inFlight = 0] = process.argv.slice(4).map(Number);
const client = createClient<paths>({ baseUrl, headers: { Authorization: "Bearer ifr_pk_bench" } });

async function lane(count: number): Promise<Job | undefined> {
  let job: Job | undefined;
  for (let call = 0; call < count; call++) {
    const { data, error } = await client.GET("/v1/video/status/{id}", { params: { path: { id } } });
    if (error) throw new Error(error.error.message);
    job = data.data;
  }
  return job;
}

async function several(count: number): Promise<Job | undefined> {
  const jobs = await Promise.all(Array.from({ length: inFlight }, () => lane(count / inFlight)));
  return jobs.at(-1);
}

await several(warmUp);
const started = performance.now();
const processor = process.cpuUsage();
const result = await several(measured);
const wall = (performance.now() - started) / 1e3;
const { user, system } = process.cpuUsage(processor);
console.log(JSON.stringify({ wall_s: wall, cpu_s: (user + system) / 1e6, result }));
