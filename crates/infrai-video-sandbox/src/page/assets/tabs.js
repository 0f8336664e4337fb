// The tabs. The address has the tab after #, so that reload, back and links work: #requests, or #requests/ID.

import { byId } from "./core.js";

const tabs = [...document.querySelectorAll("[role=tab]")];
const name = (tab) => tab.dataset.tab;
const listeners = [];

const current = () => tabs.find((tab) => tab.getAttribute("aria-selected") === "true");

// The name of the tab in the address, and what follows it.
function route() {
  const [tab, ...rest] = location.hash.slice(1).split("/");
  return tabs.some((known) => name(known) === tab) ? [tab, decoded(rest.join("/"))] : [name(tabs[0]), ""];
}

// Nothing, if the address was typed or cut so that it has no meaning.
function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return "";
  }
}

export function go(tab, rest = "") {
  const hash = rest ? `#${tab}/${encodeURIComponent(rest)}` : `#${tab}`;
  if (location.hash !== hash) location.hash = hash;
}

// Takes back what follows the tab, so that the way back does not lead there again.
export function leave() {
  const [tab, rest] = route();
  if (rest) location.replace(`#${tab}`);
}

// Calls `listener` with the tab and what follows it, now and whenever the address changes.
export function onRoute(listener) {
  listeners.push(listener);
  listener(...route());
}

function show() {
  const [chosen] = route();
  for (const tab of tabs) {
    const is = name(tab) === chosen;
    tab.setAttribute("aria-selected", String(is));
    tab.tabIndex = is ? 0 : -1;
    byId(tab.getAttribute("aria-controls")).hidden = !is;
  }
  for (const listener of listeners) listener(...route());
}

const steps = { ArrowRight: 1, ArrowLeft: -1, Home: -Infinity, End: Infinity };

for (const tab of tabs) {
  tab.addEventListener("click", () => go(name(tab)));
  tab.addEventListener("keydown", (event) => {
    const step = steps[event.key];
    if (step === undefined || event.altKey || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    const last = tabs.length - 1;
    const at = tabs.indexOf(tab) + step;
    const next = tabs[Math.abs(step) === 1 ? (at + tabs.length) % tabs.length : Math.min(last, Math.max(0, at))];
    next.focus();
    go(name(next));
  });
}

for (const link of document.querySelectorAll(".skip")) {
  link.addEventListener("click", (event) => {
    event.preventDefault();
    const target = link.getAttribute("href") === "#tabs" ? current() : byId(current().getAttribute("aria-controls"));
    target.focus();
    target.scrollIntoView();
  });
}

addEventListener("hashchange", show);
show();
