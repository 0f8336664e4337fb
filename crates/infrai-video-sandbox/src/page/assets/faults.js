// The fault rules, and the scenarios.

import { act, allow, byId, count, element, liveButton, state } from "./core.js";
import { amounts, confirmed, everything } from "./dialog.js";

export function showFaults({ active, ready }) {
  const switches = byId("switches");
  const focused = [...switches.querySelectorAll("button")].indexOf(document.activeElement);
  switches.replaceChildren(...ready.map(toggle));
  if (focused >= 0) switches.querySelectorAll("button")[focused]?.focus();
  byId("rules").replaceChildren(...(active.length > 0 ? active.map(rule) : [element("li", { className: "soft" }, "None.")]));
  byId("rule-count").textContent = active.length > 0 ? String(active.length) : "";
  state.counts.rules = active.length;
  allow(byId("clear-faults"), active.length > 0);
}

function toggle({ title, summary, toml, on }, place) {
  const id = `fault-${place}`;
  const path = on ? "/__sandbox/faults/remove" : "/__sandbox/faults";
  const change = () => act(path, "POST", toml, `${title} is ${on ? "off" : "on"}`);
  const button = liveButton(title, change, { role: "switch", "aria-checked": String(on), "aria-describedby": id });
  return element("li", {}, button, element("p", { id, className: "soft" }, summary));
}

function rule({ matched, acted, action, operation, ...conditions }) {
  const more = Object.entries(conditions).map(([name, value]) => `${name} ${typeof value === "object" ? JSON.stringify(value) : value}`);
  const spent = conditions.count !== undefined && acted >= conditions.count ? ", spent" : "";
  return element(
    "li",
    {},
    element("code", {}, [operation ?? "any call", action].join(": ")),
    more.length > 0 ? ` ${more.join(", ")}` : "",
    element("span", { className: "soft" }, ` matched ${matched}, acted ${acted}${spent}`),
  );
}

byId("clear-faults").addEventListener("click", async () => {
  const rules = () => count(state.counts.rules, "fault rule");
  const text = element("p", {}, "They include rules that were not set on this page. Jobs and charges stay.");
  if (!(await confirmed(() => `Remove ${rules()}?`, [text], "Remove rules"))) return;
  await act("/__sandbox/faults", "PUT", "", `${rules()} removed`);
});

// ---- the scenarios

export function showScenarios(scenarios) {
  byId("scenario-list").replaceChildren(...scenarios.map(scenario));
}

function scenario({ name, summary, toml }) {
  const file = element("pre", { tabIndex: 0, role: "region", "aria-label": `The file of ${name}` }, toml.trim());
  const button = liveButton(`Start ${name}`, () => restart(`/__sandbox/scenario/${encodeURIComponent(name)}`, () => `Start ${name}?`, `Start ${name}`));
  const details = element("details", {}, element("summary", {}, element("span", {}, element("code", {}, name), " ", element("span", { className: "soft" }, summary))), button, file);
  new ResizeObserver(() => {
    const { paddingLeft, paddingRight } = getComputedStyle(file);
    const width = file.clientWidth - parseFloat(paddingLeft) - parseFloat(paddingRight);
    const columns = Math.floor(width / characterWidth(file));
    if (details.open && columns > 0) file.textContent = wrapped(toml.trim(), columns);
  }).observe(file);
  return details;
}

function characterWidth(pre) {
  const style = getComputedStyle(pre);
  const context = document.createElement("canvas").getContext("2d");
  context.font = `${style.fontSize} ${style.fontFamily}`;
  return context.measureText("0000000000").width / 10;
}

// A TOML file with its comments broken anew, so that every line of a comment begins with #.
export function wrapped(toml, columns) {
  const lines = [];
  let paragraph = [];
  const flush = () => {
    let line = "#";
    for (const word of paragraph) {
      if (line.length > 1 && line.length + 1 + word.length > columns) {
        lines.push(line);
        line = "#";
      }
      line += ` ${word}`;
    }
    if (paragraph.length > 0) lines.push(line);
    paragraph = [];
  };
  for (const line of toml.split("\n")) {
    const words = /^# (.*)$/.exec(line)?.[1].split(" ").filter(Boolean);
    if (words) paragraph.push(...words);
    else flush(), lines.push(line);
  }
  flush();
  return lines.join("\n");
}

// Everything that starts the sandbox over asks first, and says how much is deleted, before and afterwards.
async function restart(path, question, verb, method = "PUT") {
  const rules = () => (state.counts.rules > 0 ? `${count(state.counts.rules, "fault rule")} and ` : "");
  const more = () => (method === "PUT" ? `, and replaces ${rules()}the settings` : "; fault rules and settings stay");
  if (!(await confirmed(question, [() => `This deletes ${everything()}${more()}.`], verb))) return;
  const deleted = everything();
  await act(path, method, "", `${deleted} deleted`);
}

byId("own-settings").addEventListener("click", () => restart("/__sandbox/scenario", () => "Start without a scenario?", "Start over"));
byId("reset").addEventListener("click", () => {
  restart("/__sandbox/reset", () => `Delete ${amounts("jobs", "accounts") || "everything"}?`, "Delete everything", "POST");
});
