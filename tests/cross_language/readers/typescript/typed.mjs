// Writes the bodies of the cases as values of the generated types, so that the compiler compares the two.

import { readFileSync, writeFileSync } from "node:fs";

const clients = ["hey", "kubb", "orval"];
const cases = JSON.parse(readFileSync(process.env.CASES, "utf8"));
const imports = clients.map((client) => `import type * as ${client} from "./${client}";\n`);
const values = cases.map(({ schema, body }, index) => {
  const type = clients.map((client) => `${client}.${schema}`).join(" & ");
  return `export const case${index}: ${type} = ${JSON.stringify(body)};\n`;
});
writeFileSync("src/typed.ts", [...imports, ...values].join(""));
