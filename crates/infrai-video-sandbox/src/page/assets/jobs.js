// The list of jobs: search, pages, and what is announced of it.

import { allow, announce, byId, count, mention } from "./core.js";
import { card, shortName, showProgress, update } from "./job_card.js";
import { drives, showTime } from "./clock.js";

const PAGE = 20;

// By number. Only the jobs of the page that is shown have a card.
const jobs = new Map();
let total = 0;
// The number of the first job of the page. null: the newest, whichever that is.
let anchor = null;
let showRequests = () => {};

export function start(requestsOf) {
  showRequests = requestsOf;
}

export function showJobs(event, isFirst) {
  const there = new Set(event.changed.map(({ number }) => number));
  const gone = isFirst ? [...jobs.keys()].filter((number) => !there.has(number)) : event.gone;
  for (const number of gone) jobs.delete(number);
  for (const job of event.changed) {
    const known = jobs.get(job.number);
    const isSame = known?.job.job_id === job.job_id;
    if (!isFirst && known?.job.state !== job.state) mention(job.number, `${shortName(job)} is ${job.state}`);
    if (isSame && known.node) update(known, job);
    else if (isSame) known.job = job;
    else jobs.set(job.number, { job });
  }
  total = event.total;
  render(true);
}

export const newest = (account) => sorted().map(({ job }) => job).find((job) => job.account === account) ?? null;

const sorted = () => [...jobs.values()].sort((a, b) => b.job.number - a.job.number);

function matching() {
  const words = byId("job-search").value.trim().toLowerCase();
  const state = byId("job-state").value;
  const has = (text) => text?.toLowerCase().includes(words);
  return sorted().filter(({ job }) =>
    (!state || job.state === state) &&
    (!words || has(job.prompt) || has(job.job_id) || has(job.idempotency_key) || has(job.request_id)));
}

// ---- what is shown

// `keepsPlayers`: a clip that plays stays when newer jobs move it off the page.
function render(keepsPlayers = false) {
  const found = matching();
  const first = place(found);
  const page = found.slice(first, first + PAGE);
  // Cards stay where they are: a clip that is moved stops.
  const list = byId("job-list");
  const isKept = (entry) => page.includes(entry) || (keepsPlayers && entry.node?.isConnected && entry.node.querySelector("video"));
  const nodes = found.filter(isKept).map((entry) => nodeOf(entry));
  const wanted = new Set(nodes);
  const focus = list.contains(document.activeElement);
  for (const node of [...list.children]) if (!wanted.has(node)) node.remove();
  nodes.forEach((node, index) => {
    if (list.children[index] === node) return;
    list.insertBefore(node, list.children[index] ?? null);
    // The connection may have come or gone while the card was not shown.
    for (const control of node.querySelectorAll("[data-live]")) allow(control, control.dataset.can !== "false");
  });
  if (focus && !list.contains(document.activeElement)) byId("panel-jobs").focus();
  showCounts(found, first, page.length);
  showTime();
}

function nodeOf(entry) {
  if (!entry.node) Object.assign(entry, card(entry.job, showRequests));
  return entry.node;
}

// The index of the first job of the page.
function place(found) {
  if (anchor === null) return 0;
  const first = found.findIndex(({ job }) => job.number <= anchor);
  return first < 0 ? Math.max(0, found.length - PAGE) : first;
}

function showCounts(found, first, shown) {
  const isFiltered = found.length < jobs.size;
  byId("job-count").textContent = total > 0 ? total.toLocaleString("en") : "";
  byId("panel-jobs").classList.toggle("is-empty", total === 0);
  byId("empty").hidden = total > 0;
  byId("job-tools").hidden = total === 0;
  byId("no-match").hidden = total === 0 || found.length > 0;
  const searched = jobs.size < total ? ` among the newest ${jobs.size.toLocaleString("en")} of ${total.toLocaleString("en")}` : "";
  byId("no-match").querySelector("p").textContent = `No job matches${searched}.`;
  const of = isFiltered ? `${found.length} found in ${count(jobs.size, "job")}` : count(found.length, "job");
  const older = jobs.size < total ? `, the newest of ${total.toLocaleString("en")}` : "";
  byId("job-range").textContent = shown === 0 ? "" : `${first + 1}–${first + shown} of ${of}${older}`;
  byId("newer-jobs").disabled = first === 0 && anchor === null;
  byId("older-jobs").disabled = first + PAGE >= found.length;
  if (total === 0) byId("new-job").open = true;
}

function turn(step) {
  const found = matching();
  const at = place(found) + step;
  anchor = at <= 0 ? null : found[Math.min(at, found.length - 1)].job.number;
  render();
  // At the first and the last page the button that was pressed cannot be used again.
  const [newer, older] = [byId("newer-jobs"), byId("older-jobs")];
  if (document.activeElement.disabled) (newer.disabled ? older : newer).focus();
  announce(byId("job-range").textContent);
  byId("job-tools").scrollIntoView({ block: "nearest" });
}

byId("newer-jobs").addEventListener("click", () => turn(-PAGE));
byId("older-jobs").addEventListener("click", () => turn(PAGE));
byId("job-filter").addEventListener("submit", (event) => event.preventDefault());
for (const event of ["input", "change"]) {
  byId("job-filter").addEventListener(event, () => {
    anchor = null;
    render();
  });
}
byId("all-jobs").addEventListener("click", () => {
  byId("job-filter").reset();
  anchor = null;
  render();
  byId("job-search").focus();
});

drives({
  // When the next job starts or finishes.
  nextChange() {
    let soonest = null;
    for (const { job } of jobs.values()) {
      const at = job.state === "queued" ? job.starts_at : job.state === "running" ? job.ends_at : null;
      if (at !== null && (soonest === null || Date.parse(at) < soonest)) soonest = Date.parse(at);
    }
    return soonest;
  },
  showProgress(at) {
    for (const entry of jobs.values()) if (entry.node) showProgress(entry, at);
  },
});
allow(byId("next-change"), false);
