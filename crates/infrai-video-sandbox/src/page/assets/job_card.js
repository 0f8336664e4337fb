// One job: its card, its player, and what can be done with it.

import { act, ask, complain, copy, dollars, element, liveButton, reason, state, time, UNREACHABLE } from "./core.js";
import { confirmed } from "./dialog.js";

export const shortName = (job) => `job ${job.number}`;

const address = (job) => `/__sandbox/jobs/${encodeURIComponent(job.job_id)}`;

// The card of a job. `showRequests` is called with the id of the job.
export function card(job, showRequests) {
  const entry = { job };
  const parts = {
    frame: element("div", { className: "frame" }),
    state: element("span", { className: "state" }),
    prompt: element("p", { className: "prompt", dir: "auto" }, job.prompt),
    whole: element("button", { className: "quiet", type: "button", "aria-expanded": "false" }, "Whole prompt"),
    progress: element("progress", { max: 1, hidden: true, "aria-label": `Progress of ${shortName(job)}` }),
    error: element("p", { className: "error", hidden: true }),
    cost: element("span"),
    cancel: liveButton("Cancel", () => cancel(entry.job), { "aria-label": `Cancel ${shortName(job)}` }),
    open: element("a", { className: "button", target: "_blank", rel: "noopener", hidden: true, "aria-label": `Open clip of ${shortName(job)}` }, "Open clip"),
  };
  if (job.prompt_length > job.prompt.length) parts.prompt.append(` … (${job.prompt_length} characters)`);
  parts.whole.hidden = job.prompt.length < 200;
  parts.whole.addEventListener("click", () => {
    const whole = parts.prompt.classList.toggle("whole");
    parts.whole.setAttribute("aria-expanded", String(whole));
  });
  parts.open.addEventListener("click", (event) => openClip(event, entry));
  const facts = element("p", { className: "facts" });
  const size = `${job.duration_seconds} s, ${job.resolution}, ${job.aspect_ratio}`;
  for (const part of [size, job.vendor, parts.cost, time(job.created_at)]) facts.append(element("span", {}, part));
  const ids = element("p", { className: "ids" }, fact("job", job.job_id), fact("request", job.request_id));
  if (job.idempotency_key) ids.append(fact("key", job.idempotency_key));
  ids.append(fact("account", job.account));
  const id = element("button", { type: "button", "aria-label": `Copy id of ${shortName(job)}` }, "Copy id");
  id.addEventListener("click", () => copy(entry.job.job_id, "job id", ids.querySelector("code")));
  const requests = liveButton("Requests", () => showRequests(entry.job.job_id), { "aria-label": `Requests of ${shortName(job)}` });
  const remove = liveButton("Delete", () => deleteJob(entry.job), { "aria-label": `Delete ${shortName(job)}` });
  const more = element("button", { className: "more quiet", type: "button", "aria-expanded": "false", "aria-label": `Details of ${shortName(job)}` }, "Details");
  more.addEventListener("click", () => expand(entry, !entry.node.classList.contains("expanded")));
  entry.parts = { ...parts, more };
  entry.node = element(
    "li",
    { className: "card job", tabIndex: -1 },
    parts.frame,
    element(
      "div",
      { className: "text" },
      element("div", { className: "head" }, parts.state, element("span", { className: "soft" }, `#${job.number}`)),
      parts.prompt,
      parts.progress,
      element("div", { className: "rest" }, parts.whole, parts.error, facts, ids,
        element("div", { className: "row" }, parts.open, parts.cancel, id, requests, remove)),
    ),
    more,
  );
  entry.node.dataset.job = job.job_id;
  update(entry, job);
  return entry;
}

function fact(name, value) {
  return element("span", {}, element("b", {}, name), " ", element("code", { translate: false }, value));
}

// On a narrow screen a card is one line until it is expanded.
function expand(entry, is) {
  entry.node.classList.toggle("expanded", is);
  entry.parts.more.setAttribute("aria-expanded", String(is));
}

export function update(entry, job) {
  const { node, parts } = entry;
  entry.job = job;
  node.dataset.state = job.state;
  parts.state.textContent = job.state;
  const back = job.state === "failed" || job.state === "cancelled";
  parts.cost.textContent = back ? `${dollars(job.cost_usd)} refunded` : dollars(job.cost_usd);
  parts.error.hidden = job.error === null;
  parts.error.textContent = job.error ? `${job.error.code}: ${job.error.message}` : "";
  const hadFocus = document.activeElement === parts.cancel;
  parts.cancel.hidden = job.state !== "queued" && job.state !== "running";
  if (hadFocus && parts.cancel.hidden) node.focus();
  const hasClip = job.video_url !== null;
  parts.open.hidden = !hasClip;
  if (hasClip) parts.open.href = job.video_url;
  if (hasClip && !entry.hasClip) parts.frame.replaceChildren(preview(entry));
  if (!hasClip) parts.frame.replaceChildren(placeholder(job));
  entry.hasClip = hasClip;
}

function placeholder(job) {
  const words = { queued: "waiting", running: "in progress", succeeded: "the clip was deleted", failed: "no clip", cancelled: "no clip" };
  return element("span", { className: "soft" }, words[job.state] ?? job.state);
}

export function showProgress({ job, parts }, at) {
  const runs = job.state === "running";
  parts.progress.hidden = !runs;
  if (!runs) return;
  const [from, to] = [Date.parse(job.starts_at), Date.parse(job.ends_at)];
  parts.progress.value = Math.min(1, Math.max(0, (at - from) / Math.max(1, to - from)));
}

// ---- the clip

// A thumbnail that starts the player. The clip is fetched only then.
function preview(entry) {
  const picture = element("img", { alt: "", loading: "lazy", decoding: "async" });
  retryWithFreshLink(entry, picture, "thumbnail_url");
  picture.src = entry.job.thumbnail_url;
  return liveButton(picture, () => play(entry), { className: "play", "aria-label": `Play the clip of ${shortName(entry.job)}` });
}

function play(entry) {
  const video = element("video", { controls: true, playsInline: true });
  video.setAttribute("aria-label", `Clip of ${shortName(entry.job)}`);
  retryWithFreshLink(entry, video, "video_url");
  entry.parts.frame.replaceChildren(video);
  expand(entry, true);
  video.src = entry.job.video_url;
  video.focus();
  video.play().catch(() => {});
}

const fresh = async (job) => (await ask(address(job))).json();

// Links expire on the sandbox's clock, which may run fast: a failed file is requested again with a new link.
function retryWithFreshLink(entry, media, link) {
  let tries = 0;
  media.addEventListener("error", async () => {
    if (tries++ >= 3 || !media.isConnected) return;
    const at = media.currentTime;
    try {
      const url = (await fresh(entry.job))[link];
      if (!url) return;
      media.src = url;
      if (at) media.currentTime = at;
      if (media.play) media.play().catch(() => {});
    } catch (error) {
      complain(reason(error));
    }
  });
}

// The link of the card may have expired: the new tab gets a fresh one.
async function openClip(event, entry) {
  event.preventDefault();
  if (!state.connected) {
    complain(UNREACHABLE);
    return;
  }
  const tab = open("", "_blank");
  try {
    const { video_url: url } = await fresh(entry.job);
    if (tab && url) {
      tab.opener = null;
      tab.location.replace(url);
    }
  } catch (error) {
    tab?.close();
    complain(reason(error));
  }
}

// ---- changes

async function cancel(job) {
  await act(`${address(job)}/cancel`, "POST", undefined, `${shortName(job)} was cancelled`);
}

async function deleteJob(job) {
  const prompt = element("p", { className: "prompt", dir: "auto" }, job.prompt);
  const text = element("p", {}, "Its clip goes with it. What it cost stays in the ledger.");
  if (!(await confirmed(() => `Delete ${shortName(job)}?`, [prompt, text], "Delete job"))) return;
  await act(address(job), "DELETE", undefined, `${shortName(job)} was deleted`);
}
