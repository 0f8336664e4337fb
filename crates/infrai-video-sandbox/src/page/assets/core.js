// What all parts of the page share: its state, elements, requests to the sandbox, and messages.
// Text from outside reaches the page only through textContent.

export const byId = (id) => document.getElementById(id);

// Keys that are not properties become attributes.
export function element(tag, settings = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(settings)) {
    if (name in node) node[name] = value;
    else if (value !== null && value !== undefined) node.setAttribute(name, value);
  }
  node.append(...children.filter((child) => child !== null));
  return node;
}

export const state = {
  connected: false,
  account: "",
  // Of the whole sandbox, whatever is filtered.
  counts: { jobs: 0, accounts: 0, requests: 0, rules: 0 },
};

// ---- controls that need the sandbox

// A button that is disabled while there is no connection.
export function liveButton(text, run, settings = {}) {
  const button = element("button", { type: "button", "data-live": "", ...settings }, text);
  button.addEventListener("click", run);
  allow(button);
  return button;
}

// Whether a control can be used, as soon as there is a connection.
export function allow(control, can = true) {
  const hadFocus = document.activeElement === control;
  control.dataset.can = String(can);
  control.disabled = !can || !state.connected;
  if (hadFocus && !can) focusTab();
}

// Where the focus goes when what had it is gone or disabled.
export function focusTab() {
  document.querySelector("[role=tab][aria-selected=true]").focus();
}

export function setConnected(connected) {
  const changed = state.connected !== connected;
  state.connected = connected;
  byId("link").textContent = connected ? "live" : "not connected";
  byId("link").dataset.state = connected ? "on" : "off";
  for (const control of document.querySelectorAll("[data-live]")) {
    control.disabled = !connected || control.dataset.can === "false";
  }
  return changed;
}

// ---- requests to the sandbox

const TOKEN = "sandbox-token";
// In milliseconds. Only the event stream, which has a signal of its own, takes longer.
const LONGEST = 30_000;

// Whether there was no response at all.
const isUnreachable = (error) => error instanceof TypeError || error.name === "TimeoutError";
export const UNREACHABLE = "The sandbox cannot be reached: check that it runs, and try again.";
export const reason = (error) => (isUnreachable(error) ? UNREACHABLE : error.message);

// Sends a request to the admin API.
export async function ask(path, options = {}) {
  const token = sessionStorage.getItem(TOKEN);
  const headers = token ? { Authorization: `Bearer ${token}` } : {};
  const response = await fetch(path, { signal: AbortSignal.timeout(LONGEST), ...options, headers, cache: "no-store" });
  if (response.ok) return response;
  const error = await response.json().then((body) => body.error, () => null);
  const text = typeof error === "string" ? error : `the sandbox responded with ${response.status}`;
  if (response.status === 401 || response.status === 403) openGate(text, token && response.status === 401 ? WRONG : "");
  throw new Error(text);
}

// Changes something, and announces the result.
export async function act(path, method, body, result) {
  try {
    await ask(path, { method, body });
    byId("notice").hidden = true;
    if (result) announce(result);
    return true;
  } catch (error) {
    complain(isUnreachable(error) ? "The sandbox cannot be reached: nothing is known to have changed." : error.message);
    return false;
  }
}

// ---- the token

const WRONG = "This token is wrong.";

function openGate(text, error) {
  if (!byId("gate").hidden) return;
  // A dialog would hide it.
  for (const dialog of document.querySelectorAll("dialog[open]")) dialog.close();
  byId("gate-reason").textContent = text;
  byId("gate").hidden = false;
  refuse(error);
  byId("token").focus();
}

function refuse(error) {
  byId("gate-reason").hidden = Boolean(error);
  byId("gate-error").textContent = error;
  byId("gate-error").hidden = !error;
}

// Whether the sandbox accepts the token, which is kept then.
export async function unlock(token) {
  refuse("");
  // Nothing else fits into a header.
  if (!/^[\x20-\x7e]+$/.test(token)) {
    refuse(WRONG);
    return false;
  }
  try {
    const headers = { Authorization: `Bearer ${token}` };
    const response = await fetch("/__sandbox/clock", { signal: AbortSignal.timeout(LONGEST), headers, cache: "no-store" });
    if (response.ok) {
      sessionStorage.setItem(TOKEN, token);
      byId("gate").hidden = true;
    } else refuse(response.status === 401 || response.status === 403 ? WRONG : `The sandbox responded with ${response.status}.`);
    return response.ok;
  } catch (error) {
    refuse(reason(error));
    return false;
  }
}

// ---- messages

export function complain(message) {
  const notice = byId("notice");
  notice.textContent = message;
  notice.hidden = false;
}

// The result of what the person did: read aloud, and shown for a moment.
export function announce(text) {
  const news = byId("news");
  news.textContent = text;
  news.classList.add("shown");
  clearTimeout(announce.timer);
  announce.timer = setTimeout(() => news.classList.remove("shown"), 4000);
}

const changes = new Map();

// A change that the person did not ask for: only read aloud, together with others of the same second.
export function mention(subject, text) {
  if (changes.size === 0) setTimeout(announceChanges, 1000);
  changes.set(subject, text);
}

function announceChanges() {
  const text = [...changes.values()].join(", ");
  const isShort = changes.size <= 2 && text.length <= 120;
  byId("changes").textContent = isShort ? text : `${count(changes.size, "job")} changed`;
  changes.clear();
}

// Copies a text. Where that is not allowed, the text is selected in `shown`.
export async function copy(text, name, shown) {
  try {
    await navigator.clipboard.writeText(text);
    announce(`${name} copied`);
  } catch {
    getSelection().selectAllChildren(shown);
    announce(`${name} selected: copy it with the keyboard`);
  }
}

// ---- words

export const dollars = (amount) =>
  amount.toLocaleString("en", { style: "currency", currency: "USD", maximumFractionDigits: 6 });

export const count = (number, word) => `${number.toLocaleString("en")} ${word}${number === 1 ? "" : "s"}`;

const pad = (number) => String(number).padStart(2, "0");
export const localDay = (at) => `${at.getFullYear()}-${pad(at.getMonth() + 1)}-${pad(at.getDate())}`;
export const localHour = (at) => `${pad(at.getHours())}:${pad(at.getMinutes())}:${pad(at.getSeconds())}`;
export const inUtc = (at) => `${at.toISOString().slice(0, 19).replace("T", " ")} UTC`;

// The local time of day, with UTC for a pointer and a screen reader.
export function time(text, withDay = false) {
  const at = new Date(text);
  const shown = withDay ? `${localDay(at)} ${localHour(at)}` : localHour(at);
  const hidden = element("span", { className: "unseen" }, ` (${inUtc(at)})`);
  return element("time", { dateTime: text, title: `${localDay(at)} ${localHour(at)} local time, ${inUtc(at)}` }, shown, hidden);
}
