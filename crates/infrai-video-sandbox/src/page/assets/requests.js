// The list of the newest requests.

import { allow, byId, element, state, time } from "./core.js";
import { select } from "./stream.js";
import { go } from "./tabs.js";
import { refresh } from "./request_details.js";

// By number: the request and its row.
const requests = new Map();

export function showRequests({ all, total, changed, gone }, isFirst) {
  const there = new Set(changed.map(({ sequence }) => sequence));
  for (const number of isFirst ? [...requests.keys()].filter((number) => !there.has(number)) : gone) {
    requests.get(number)?.row.remove();
    requests.delete(number);
  }
  const list = byId("request-list");
  for (const request of [...changed].reverse()) {
    const known = requests.get(request.sequence);
    const row = rowOf(request);
    const isFocused = known?.row.contains(document.activeElement);
    if (known) known.row.replaceWith(row);
    else list.insertBefore(row, next(request.sequence));
    if (isFocused) row.querySelector("button").focus();
    requests.set(request.sequence, { request, row });
    refresh(request.request_id);
  }
  state.counts.requests = all;
  const shown = requests.size;
  byId("request-count").textContent = all > 0 ? all.toLocaleString("en") : "";
  byId("request-range").textContent =
    shown === 0 ? (all === 0 ? "No request has arrived yet." : "No request matches.")
    : shown < total ? `The newest ${shown} of ${total.toLocaleString("en")} requests. GET /__sandbox/journal has all.`
    : shown < all ? `${shown} of ${all.toLocaleString("en")} requests` : `${shown} request${shown === 1 ? "" : "s"}`;
  byId("request-table").hidden = shown === 0;
}

// The row before which one with this number belongs: the newest is first.
function next(number) {
  if (requests.size === 0) return null;
  for (const row of byId("request-list").children) if (Number(row.dataset.number) < number) return row;
  return null;
}

function rowOf(request) {
  const { method, path, status, fault } = request;
  const open = element("button", { type: "button", className: "path", "data-live": "" }, path);
  allow(open);
  open.setAttribute("aria-label", `${method} ${path}: details`);
  const cell = (className, ...children) => element("td", { className }, ...children);
  const row = element(
    "tr",
    { className: "request" },
    cell("at", time(request.at)),
    cell("method", method),
    cell("what", open),
    cell("status", statusText(request)),
    cell("duration", duration(request.duration_ms)),
    cell("who", code(short(request.account, 9), request.account)),
    cell("key", code(request.idempotency_key)),
    cell("fault", fault ? element("span", { className: "tag" }, fault) : ""),
  );
  row.dataset.number = request.sequence;
  row.dataset.request = request.request_id;
  row.dataset.class = status === null ? (request.is_done ? "lost" : "open") : String(status)[0];
  row.addEventListener("click", ({ target }) => {
    if (state.connected && (open.contains(target) || !isSelected(row))) go("requests", request.request_id);
  });
  return row;
}

// Whether text of the row is selected: the click then only ended that.
function isSelected(row) {
  const selection = getSelection();
  return !selection.isCollapsed && selection.containsNode(row, true);
}

export const statusText = ({ status, is_done: isDone }) => (status !== null ? String(status) : isDone ? "no response" : "waiting");

export function duration(milliseconds) {
  if (milliseconds === null || milliseconds === undefined) return "";
  if (milliseconds >= 1000) return `${(milliseconds / 1000).toFixed(2)} s`;
  return `${milliseconds >= 10 ? Math.round(milliseconds) : milliseconds.toFixed(1)} ms`;
}

const short = (text, start) => (text && text.length > start + 2 ? `${text.slice(0, start)}…` : text);
const code = (text, title = text) => (text ? element("code", { title, translate: false }, text) : "");

// ---- filters

const thumbnails = byId("request-thumbnails");
thumbnails.addEventListener("click", () => {
  thumbnails.setAttribute("aria-pressed", String(thumbnails.getAttribute("aria-pressed") !== "true"));
  filter();
});

// The page itself requests thumbnails: they would hide what a client does.
export const chosen = () => ({
  job: byId("request-job").value.trim(),
  status: byId("request-status").value,
  hide: thumbnails.getAttribute("aria-pressed") === "true" ? "" : "thumbnail",
});

let typing = null;

function filter() {
  clearTimeout(typing);
  select(chosen());
  byId("all-requests").hidden = !byId("request-job").value && !byId("request-status").value;
}

byId("request-filter").addEventListener("submit", (event) => {
  event.preventDefault();
  filter();
});
byId("request-status").addEventListener("change", filter);
// Also when the field is cleared with its own button.
byId("request-job").addEventListener("input", () => {
  clearTimeout(typing);
  typing = setTimeout(filter, 200);
});
byId("all-requests").addEventListener("click", () => {
  byId("request-filter").reset();
  filter();
  byId("request-job").focus();
});

export function showRequestsOf(job) {
  byId("request-job").value = job;
  byId("request-status").value = "";
  go("requests");
  filter();
}
