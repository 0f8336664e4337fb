// Returns the body of each case in CASES to a call of its operation, and writes what each client decoded to READ.

import axios, { type AxiosInstance } from "axios";
import { readFileSync, writeFileSync } from "node:fs";
import * as hey from "./hey/sdk.gen";
import * as kubb from "./kubb";
import { axiosInstance } from "./kubb/.kubb/fetch";
import * as generator from "./openapi-generator";
import * as orval from "./orval";

interface Case {
  operation: string;
  status: number;
  schema: string;
  body: unknown;
}

type Call = (...parameters: unknown[]) => Promise<{ data?: unknown; error?: unknown }>;
type Convert = (value: unknown) => unknown;

async function readWithHey(name: string, { status, body }: Case): Promise<unknown> {
  const fetch = async () => Response.json(body, { status });
  const { data, error } = await (hey as unknown as Record<string, Call>)[name]!({
    baseUrl: "http://localhost",
    path: { id: "vj_1" },
    fetch,
  });
  return data ?? error;
}

function returnTo(client: AxiosInstance, body: unknown): void {
  client.defaults.adapter = async (config) => ({ config, data: JSON.stringify(body), headers: {}, status: 200, statusText: "" });
}

async function readWithKubb(name: string, { body }: Case): Promise<unknown> {
  returnTo(axiosInstance, body);
  return (kubb as unknown as Record<string, Call>)[name]!("vj_1", {});
}

async function readWithOrval(name: string, { body }: Case): Promise<unknown> {
  returnTo(axios, body);
  return (await (orval as unknown as Record<string, Call>)[name]!("vj_1", {})).data;
}

function readWithGenerator({ schema, body }: Case): unknown {
  const convert = generator as unknown as Record<string, Convert>;
  return convert[`${schema}ToJSON`]!(convert[`${schema}FromJSON`]!(body));
}

async function main(): Promise<void> {
  const cases = JSON.parse(readFileSync(process.env["CASES"]!, "utf8")) as Case[];
  const read = { "hey-api": [] as unknown[], kubb: [] as unknown[], orval: [] as unknown[], "openapi-generator": [] as unknown[] };
  for (const one of cases) {
    const name = one.operation.replace(/_[a-z]/g, (letter) => letter.slice(1).toUpperCase());
    read["hey-api"].push(await readWithHey(name, one));
    read.kubb.push(await readWithKubb(name, one));
    read.orval.push(await readWithOrval(name, one));
    read["openapi-generator"].push(readWithGenerator(one));
  }
  writeFileSync(process.env["READ"]!, JSON.stringify(read));
}

main().catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
