// A server that expects the request of a fixture and returns its response.

import assert from "node:assert/strict";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

export interface Golden {
  request: {
    method: string;
    path: string;
    query: Record<string, string | number>;
    headers: Record<string, string>;
    body?: unknown;
  };
  response: { status: number; headers: Record<string, string>; body: unknown };
}

export interface GoldenServer {
  baseUrl: string;
  /** Compares the request of `call` with `golden`, and fails if they differ. */
  expect<T>(golden: Golden, call: () => Promise<T>): Promise<T>;
  close(): void;
}

export async function goldenServer(): Promise<GoldenServer> {
  let current: Golden | undefined;
  let complaint: unknown;
  let seen = 0;
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    assert.ok(current, "nothing was expected");
    seen += 1;
    try {
      const { method, path, query, headers, body } = current.request;
      const url = new URL(request.url ?? "", "http://localhost");
      assert.equal(request.method, method);
      assert.equal(url.pathname, path);
      const wanted = Object.entries(query).map(([name, value]) => [name, String(value)]);
      assert.deepEqual(Object.fromEntries(url.searchParams), Object.fromEntries(wanted));
      for (const [name, value] of Object.entries(headers)) {
        assert.equal(request.headers[name.toLowerCase()], value, name);
      }
      const text = Buffer.concat(chunks).toString();
      assert.deepEqual(text === "" ? undefined : JSON.parse(text), body);
    } catch (error) {
      complaint = error;
    }
    response.writeHead(current.response.status, current.response.headers);
    response.end(JSON.stringify(current.response.body));
  });
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  const { port } = server.address() as AddressInfo;
  return {
    baseUrl: `http://127.0.0.1:${port}`,
    async expect(golden, call) {
      [current, complaint, seen] = [golden, undefined, 0];
      const result = await call();
      if (complaint !== undefined) throw complaint;
      assert.equal(seen, 1, "not one request");
      return result;
    },
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
}
