// The clock of the sandbox.

import { act, allow, byId, inUtc, localDay, localHour } from "./core.js";

let clock = null;
let jobs = { nextChange: () => null, showProgress: () => {} };

// The jobs follow the clock.
export function drives(list) {
  jobs = list;
}

export function setClock({ now, factor }) {
  clock = { at: Date.parse(now), factor, since: performance.now() };
  byId("pace").textContent =
    factor === 0 ? "moves only with these buttons" : factor === 1 ? "runs in real time" : `runs ${factor} times as fast as real time`;
  showTime();
}

function now() {
  return clock.at + (performance.now() - clock.since) * clock.factor;
}

export function showTime() {
  if (!clock) return;
  const at = new Date(now());
  byId("now").dateTime = at.toISOString();
  byId("now").title = inUtc(at);
  byId("now-local").textContent = `${localDay(at)} ${localHour(at)}`;
  byId("now-utc").textContent = `(${inUtc(at)})`;
  jobs.showProgress(at);
  allow(byId("next-change"), jobs.nextChange() !== null);
}

const advance = (seconds, result) => act("/__sandbox/clock", "POST", JSON.stringify({ advance_seconds: seconds }), result);

for (const button of document.querySelectorAll("[data-advance]")) {
  button.addEventListener("click", () => advance(Number(button.dataset.advance), `the clock was moved by ${button.textContent.slice(1)}`));
}
byId("next-change").addEventListener("click", () => {
  const at = jobs.nextChange();
  // The sandbox has a finer resolution than a browser: one more millisecond is surely past the change.
  if (at !== null) advance(Math.max(0, at - now() + 1) / 1000);
});
setInterval(() => {
  if (clock?.factor > 0 && !document.hidden) showTime();
}, 500);
