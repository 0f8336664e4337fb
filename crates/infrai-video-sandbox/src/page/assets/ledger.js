// The money, and the accounts to choose from.

import { byId, dollars, element, state, time } from "./core.js";

export function showLedger({ accounts, account_count: accountCount, job_count: jobCount, entries, entry_count: entryCount, double_charges: doubles }) {
  state.counts.accounts = accountCount;
  state.counts.jobs = jobCount;
  const select = byId("account");
  const options = accounts.map(({ name, jobs }) => element("option", { value: name }, `${name} (${jobs})`));
  select.replaceChildren(element("option", { value: "" }, `all (${accountCount})`), ...options);
  if (state.account && !accounts.some(({ name }) => name === state.account)) {
    select.append(element("option", { value: state.account }, state.account));
  }
  select.value = state.account;
  const chosen = accounts.filter(({ name }) => !state.account || name === state.account);
  const visible = chosen.slice(0, 20);
  byId("balances").replaceChildren(
    ...visible.map(({ name, balance_usd: balance }) => element("li", {}, element("code", {}, name), element("b", {}, dollars(balance)))),
  );
  byId("balance-count").textContent = visible.length < chosen.length ? `The first ${visible.length} of ${accountCount} accounts.` : "";
  byId("entries").replaceChildren(...entries.map(movement));
  byId("movements").hidden = entries.length === 0;
  byId("entry-count").textContent =
    entryCount === 0 ? "Nothing was charged yet." : entries.length < entryCount ? `The newest ${entries.length} of ${entryCount.toLocaleString("en")}.` : "";
  byId("double-charges").textContent = doubles === 1 ? "1 duplicate charge" : `${doubles} duplicate charges`;
  byId("double-charges").className = doubles === 0 ? "good" : "bad";
}

function movement(entry) {
  const what = entry.response_lost ? `${entry.kind}, response lost` : entry.kind;
  const job = entry.job_id ? `…${entry.job_id.slice(-6)}` : "";
  return element(
    "tr",
    {},
    element("td", {}, time(entry.at)),
    element("td", {}, what),
    element("td", {}, element("code", { title: entry.job_id ?? "" }, job)),
    element("td", { className: "amount" }, entry.amount_usd.toFixed(2)),
  );
}
