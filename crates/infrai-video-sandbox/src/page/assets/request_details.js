// One request with its response, as the address names it: #requests/ID.

import { ask, byId, copy, dollars, element, liveButton, reason, state, time } from "./core.js";
import { curl, isOfFiles } from "./curl.js";
import { duration, statusText } from "./requests.js";
import { leave, onRoute } from "./tabs.js";

const dialog = byId("request");
let shown = "";
// What the address names. It is shown as soon as there is a connection.
let wanted = "";
let showJob = () => {};

// Follows the address from now on. `jobs` is called with the id of a job to show.
export function start(jobs) {
  showJob = jobs;
  onRoute((tab, id) => {
    wanted = tab === "requests" ? id : "";
    follow();
  });
}

// Called also after each new connection.
export function follow() {
  if (!wanted && dialog.open) dialog.close();
  if (wanted && state.connected && byId("gate").hidden) open(wanted);
}

// Shows the request again, if it is open and got its response.
export function refresh(id) {
  if (dialog.open && shown === id) load(id);
}

function open(id) {
  if (dialog.open && shown === id) return;
  shown = id;
  byId("request-title").textContent = "Request";
  byId("request-body").replaceChildren(element("p", { className: "soft" }, "loading"));
  if (!dialog.open) dialog.showModal();
  load(id);
}

async function load(id) {
  let content;
  try {
    const request = await (await ask(`/__sandbox/journal/${encodeURIComponent(id)}`)).json();
    content = await details(request);
    byId("request-title").textContent = `${request.method} ${request.path}`;
  } catch (error) {
    content = [element("p", { className: "error" }, reason(error))];
  }
  if (shown === id) byId("request-body").replaceChildren(...content);
}

dialog.addEventListener("close", () => {
  const opener = document.querySelector(`[data-request="${CSS.escape(shown)}"] button`);
  shown = "";
  leave();
  if (!byId("gate").hidden) return;
  if (opener?.checkVisibility()) opener.focus();
  else document.querySelector("[role=tab][aria-selected=true]").focus();
});
byId("close-request").addEventListener("click", () => dialog.close());

// ---- the content

async function details(request) {
  const code = element("code", {}, await curl(request, false));
  const button = liveButton("Copy as curl", async () => {
    code.textContent = await curl(request, true);
    copy(code.textContent, "command", code);
  }, { id: "copy-curl" });
  return [
    facts(request),
    ...part("Request", request.headers, request.authorization ? ["authorization", "not kept"] : null, request.body, requestNote(request)),
    ...part("Response", request.response_headers, null, request.response_body, responseNote(request)),
    element("div", { className: "head" }, element("h3", {}, "As a command"), button),
    element("p", { className: "soft" }, commandNote(request)),
    element("pre", { tabIndex: 0, role: "region", "aria-label": "The request as a curl command" }, code),
  ];
}

function commandNote(request) {
  if (request.authorization) return "Set INFRAI_API_KEY to the API key first.";
  return isOfFiles(request) ? "“Copy as curl” fills in the signature: whoever has it can download the file for a while." : "No API key is sent.";
}

function facts(request) {
  const list = element("dl", { className: "facts-list" });
  const add = (name, ...value) => {
    if (value[0]) list.append(element("div", {}, element("dt", {}, name), element("dd", {}, ...value)));
  };
  const code = (text) => text && element("code", {}, text);
  add("Status", statusText({ status: request.status, is_done: request.duration_ms !== null }));
  add("Time", time(request.at, true));
  add("Duration", duration(request.duration_ms));
  add("Fault that acted", request.fault && element("span", { className: "tag" }, request.fault));
  add("Account", code(request.account));
  add("Idempotency key", code(idempotencyKey(request)));
  add("Job", request.job_id && jobLink(request.job_id));
  add("Query", code(request.query));
  add("Cost", request.cost_usd === null ? null : dollars(request.cost_usd));
  add("Request id", code(request.request_id));
  return list;
}

// The header comes before the member of the body.
function idempotencyKey({ headers, body }) {
  const header = headers.find(([name]) => name === "idempotency-key")?.[1];
  if (header) return header;
  try {
    const key = JSON.parse(body)?.idempotency_key;
    return typeof key === "string" ? key : null;
  } catch {
    return null;
  }
}

function jobLink(id) {
  return liveButton(element("code", {}, id), () => showJob(id), { className: "quiet" });
}

function part(name, headers, hidden, body, note) {
  const lines = hidden ? [...headers, hidden] : headers;
  const list = element("dl", { className: "headers" });
  for (const [header, value] of lines) list.append(element("div", {}, element("dt", {}, header), element("dd", {}, value)));
  const parts = [element("h3", {}, name)];
  if (lines.length > 0) parts.push(list);
  if (body) parts.push(element("pre", { tabIndex: 0, role: "region", "aria-label": `Body of the ${name.toLowerCase()}`, dir: "auto" }, element("code", {}, pretty(body))));
  if (note) parts.push(element("p", { className: "soft" }, note));
  return parts;
}

function pretty(text) {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}

function requestNote({ headers, body }) {
  const length = Number(headers.find(([name]) => name === "content-length")?.[1] ?? 0);
  return !body && length > 0 ? `The body of ${length.toLocaleString("en")} bytes is not in the journal.` : "";
}

function responseNote({ status, duration_ms: took, response_body: body, response_bytes: size }) {
  if (status === null) return took === null ? "There is no response yet." : "The connection was closed without a response.";
  if (body) return "";
  if (size) return `The body of ${size.toLocaleString("en")} bytes is not in the journal: bytes of files are not kept.`;
  return "There is no body.";
}
