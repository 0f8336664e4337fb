// Questions before something is deleted. Cancel is the default, and what Escape means.

import { allow, byId, count, focusTab, state } from "./core.js";

const dialog = byId("question");

// How often the numbers of an open question are renewed, in milliseconds.
const RENEWAL = 200;

// Whether the person confirms. `question` gives the text of the question, and `details` are elements, or functions that
// give a text: what they say is kept up to date while the question is open.
export function confirmed(question, details, verb) {
  const texts = [[byId("question-title"), question]];
  byId("question-text").replaceChildren(...details.map((detail) => {
    if (typeof detail !== "function") return detail;
    const node = document.createElement("p");
    texts.push([node, detail]);
    return node;
  }));
  const renew = () => {
    for (const [node, text] of texts) if (node.textContent !== text()) node.textContent = text();
  };
  renew();
  const timer = setInterval(renew, RENEWAL);
  const yes = byId("question-yes");
  yes.textContent = verb;
  allow(yes);
  const opener = document.activeElement;
  dialog.returnValue = "";
  dialog.showModal();
  byId("question-no").focus();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => {
      clearInterval(timer);
      // The browser gives the focus back, unless the opener was replaced or disabled in the meantime.
      if (!opener?.isConnected || opener.disabled) focusTab();
      resolve(dialog.returnValue === "yes");
    }, { once: true });
  });
}

// "35 jobs, 2 accounts and 120 requests", without what there is none of. Empty if there is nothing.
export function amounts(...names) {
  const parts = names.filter((name) => state.counts[name] > 0).map((name) => count(state.counts[name], name.slice(0, -1)));
  return [parts.slice(0, -1).join(", "), ...parts.slice(-1)].filter(Boolean).join(" and ");
}

export const everything = () => amounts("jobs", "accounts", "requests") || "nothing";
