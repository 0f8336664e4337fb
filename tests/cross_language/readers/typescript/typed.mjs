// Writes the bodies of the cases as values of the generated types, so that the compiler compares the two.

import { readFileSync, writeFileSync } from "node:fs";

const cases = JSON.parse(readFileSync(process.env.CASES, "utf8"));
const values = cases.map(
  ({ schema, body }, index) => `export const case${index}: hey.${schema} & orval.${schema} = ${JSON.stringify(body)};\n`,
);
const imports = 'import type * as hey from "./hey";\nimport type * as orval from "./orval";\n\n';
writeFileSync("src/typed.ts", imports + values.join(""));
