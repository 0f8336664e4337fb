// Reads a list of pairs of documents from standard input, and prints for each whether api-smart-diff finds a breaking change.
// Runs in the directory that has the package in its node_modules.
const { createRequire } = require('node:module');
const { readFileSync } = require('node:fs');
const { apiCompare } = createRequire(process.cwd() + '/')('api-smart-diff');

const verdict = ({ old, new: current }) => {
  try {
    return apiCompare(old, current).diffs.some((diff) => diff.type === 'breaking');
  } catch {
    return null;
  }
};
process.stdout.write(JSON.stringify(JSON.parse(readFileSync(0, 'utf8')).map(verdict)));
