// Questions before something is deleted. Cancel is the default, and what Escape means.

import { allow, byId, count, state } from "./core.js";

const dialog = byId("question");

// Whether the person confirms. `details` are texts or elements.
export function confirmed(question, details, verb) {
  byId("question-title").textContent = question;
  byId("question-text").replaceChildren(...details);
  const yes = byId("question-yes");
  yes.textContent = verb;
  allow(yes);
  const opener = document.activeElement;
  dialog.returnValue = "";
  dialog.showModal();
  byId("question-no").focus();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => {
      // The browser gives the focus back, unless the opener was replaced in the meantime.
      if (!opener?.isConnected) document.querySelector("[role=tab][aria-selected=true]").focus();
      resolve(dialog.returnValue === "yes");
    }, { once: true });
  });
}

// "35 jobs, 2 accounts and 120 requests".
export function everything() {
  const { jobs, accounts, requests } = state.counts;
  return `${count(jobs, "job")}, ${count(accounts, "account")} and ${count(requests, "request")}`;
}
