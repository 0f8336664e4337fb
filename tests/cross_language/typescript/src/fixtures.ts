// Sends the request of each fixture with the generated client, and checks that it decodes the response.

import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import type { components, operations } from "./api.js";
import { type Golden, goldenServer } from "./golden.js";
import { connect, type VideoClient } from "./samples.js";

type Schemas = components["schemas"];
type Operation = keyof operations;
interface Result {
  data?: { ok: boolean };
  error?: Schemas["ErrorEnvelope"];
  response: Response;
}

/** Calls an operation with the arguments that produce `request`. */
function send(client: VideoClient, operation: Operation, { path, query, headers, body }: Golden["request"]): Promise<Result> {
  const id = { id: path.split("/")[4] ?? "" };
  const key = headers["Idempotency-Key"];
  const header = key === undefined ? {} : { "Idempotency-Key": key };
  switch (operation) {
    case "video_generate":
      return client.POST("/v1/video/generate", { params: { header }, body: body as Schemas["GenerateRequest"] });
    case "video_status":
      return client.GET("/v1/video/status/{id}", { params: { path: id } });
    case "video_cancel":
      return client.POST("/v1/video/cancel/{id}", { params: { path: id, header }, body: body as Schemas["CancelRequest"] });
    case "video_get":
      return client.GET("/v1/video/get/{id}", { params: { path: id } });
    case "video_list":
      return client.GET("/v1/video/list", { params: { query } });
    case "video_delete":
      return client.DELETE("/v1/video/delete/{id}", { params: { path: id, header } });
    case "video_delete_all":
      return client.POST("/v1/video/delete_all", { params: { header }, body: body as Schemas["DeleteAllRequest"] });
    case "video_download_url":
      return client.GET("/v1/video/download_url/{id}", { params: { path: id } });
    case "video_set_retention":
      return client.POST("/v1/video/set_retention/{id}", {
        params: { path: id, header },
        body: body as Schemas["SetRetentionRequest"],
      });
    case "video_capabilities":
      return client.GET("/v1/video/capabilities");
  }
}

/** Checks every case in `directory`, and returns their number. */
export async function checkFixtures(directory: string): Promise<number> {
  const server = await goldenServer();
  const client = connect(server.baseUrl, "ifr_pk_proj_fixture");
  let checked = 0;
  for (const name of readdirSync(directory).filter((name) => name.endsWith(".json"))) {
    const file = JSON.parse(readFileSync(join(directory, name), "utf8")) as {
      operation: Operation;
      cases: (Golden & { name: string })[];
    };
    for (const golden of file.cases) {
      const { data, error, response } = await server.expect(golden, () => send(client, file.operation, golden.request));
      const where = `${file.operation} ${golden.name}`;
      assert.equal(response.status, golden.response.status, where);
      assert.equal(response.headers.get("retry-after"), golden.response.headers["Retry-After"] ?? null, where);
      const expected = golden.response.status < 300 ? [golden.response.body, undefined] : [undefined, golden.response.body];
      assert.deepEqual([data, error], expected, where);
      checked += 1;
    }
  }
  server.close();
  return checked;
}

/** Checks responses that a later server may send: an unknown state, an unknown error code and status, and extra fields. */
export async function checkSurprises(directory: string): Promise<number> {
  const server = await goldenServer();
  const client = connect(server.baseUrl, "ifr_pk_proj_fixture");
  const text = readFileSync(join(directory, "video_status.json"), "utf8");
  const [base] = (JSON.parse(text) as { cases: Golden[] }).cases;
  assert.ok(base);
  const play = (status: number, body: unknown): Promise<Result> =>
    server.expect({ request: base.request, response: { ...base.response, status, body } }, () =>
      client.GET("/v1/video/status/{id}", { params: { path: { id: base.request.path.split("/")[4] ?? "" } } }),
    );

  const job = await play(200, { ok: true, extra: 1, data: { job_id: "vj_1", state: "reticulating", extra: { deep: true } } });
  assert.equal((job.data as Schemas["VideoJobEnvelope"]).data.state, "reticulating");
  for (const status of [404, 418]) {
    const error = { code: "NEVER_SEEN", message: "new", extra: [1] };
    const result = await play(status, { ok: false, data: {}, error, extra: 1, metadata: {} });
    assert.equal(result.response.status, status);
    assert.equal(result.error?.error.code, "NEVER_SEEN");
  }
  server.close();
  return 3;
}
