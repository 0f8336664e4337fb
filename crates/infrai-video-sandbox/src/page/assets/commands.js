// A curl command for each operation of the API.

import { byId, copy, element } from "./core.js";
import { newest } from "./jobs.js";
import { shortName } from "./job_card.js";
import { account, key, onKey } from "./key.js";

let samples = [];

const inQuotes = (text) => text.replace(/[\\"$`]/g, "\\$&");

// A new idempotency key for each copy: the same one would only replay the first response.
const freshKey = () => `page-${crypto.getRandomValues(new Uint32Array(2)).join("-")}`;

function filledIn(sample) {
  const job = newest(account);
  return sample.curl
    .replaceAll("$INFRAI_BASE_URL", () => inQuotes(location.origin))
    .replaceAll("$INFRAI_API_KEY", () => inQuotes(key()))
    .replaceAll("$JOB_ID", (whole) => (job ? inQuotes(job.job_id) : whole))
    .replace(/Idempotency-Key: [^"]*/, () => `Idempotency-Key: ${freshKey()}`);
}

const chosen = () => samples.find(({ id }) => id === byId("operation").value) ?? samples[0];

export function setSamples(all) {
  samples = all;
  const select = byId("operation");
  const value = select.value;
  select.replaceChildren(...samples.map(({ id, summary }) => element("option", { value: id }, summary)));
  if (value) select.value = value;
  showCommand();
}

export function showCommand() {
  if (samples.length === 0) return;
  const job = newest(account);
  byId("curl-job").textContent = job ? `The job is the newest of this key, ${shortName(job)}.` : "Set JOB_ID to a job of this key.";
  const code = byId("command");
  const text = filledIn(chosen());
  // A selection or cursor is kept if only the new idempotency key would differ.
  const bare = (line) => line.replace(/Idempotency-Key: [^"]*/, "");
  if (bare(code.textContent) !== bare(text)) code.textContent = text;
}

byId("operation").addEventListener("change", showCommand);
byId("copy-command").addEventListener("click", () => {
  const code = byId("command");
  code.textContent = filledIn(chosen());
  copy(code.textContent, "command", code);
});
byId("to-commands").addEventListener("click", () => {
  byId("commands").open = true;
});
onKey(showCommand);
