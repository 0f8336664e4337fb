// The form for a new job, which is sent to the API like any client's request.

import { announce, byId, element } from "./core.js";
import { key } from "./key.js";

const form = byId("new-job-form");

// The fields by the names that the API uses in its messages.
const fields = {
  prompt: byId("prompt"),
  duration_seconds: byId("duration"),
  resolution: byId("size"),
  aspect_ratio: byId("aspect"),
};

// What was last sent without a good response. The same again has its idempotency key, so that a lost response does not
// cost a second job.
let unfinished = null;
let isBusy = false;

// Beside the list there is room for it.
const wide = matchMedia("(min-width: 62rem)");
byId("new-job").open = wide.matches;
wide.addEventListener("change", () => {
  const isInUse = form.contains(document.activeElement) || !byId("empty").hidden;
  byId("new-job").open = wide.matches || isInUse;
});

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  if (isBusy) return;
  clear();
  const request = { key: key().trim(), body: JSON.stringify(order()), prompt: fields.prompt.value };
  if (!isComplete(request)) return;
  const isSame = unfinished?.key === request.key && unfinished.body === request.body;
  request.idempotencyKey = isSame ? unfinished.idempotencyKey : `page-${crypto.getRandomValues(new Uint32Array(2)).join("-")}`;
  unfinished = request;
  isBusy = true;
  const button = byId("start-job");
  button.setAttribute("aria-busy", "true");
  try {
    const response = await fetch("/v1/video/generate", {
      method: "POST",
      headers: { Authorization: `Bearer ${request.key}`, "Content-Type": "application/json", "Idempotency-Key": request.idempotencyKey },
      body: request.body,
    });
    const body = await response.json();
    if (response.ok) accepted(body, request);
    else refused(response.status, body.error ?? body);
  } catch (error) {
    const lost = error instanceof SyntaxError ? "The response is not JSON." : "There was no response: the job may exist, and may be charged.";
    complain(lost, "Start it again: the same idempotency key is sent, so that nothing is charged twice.");
  }
  isBusy = false;
  button.removeAttribute("aria-busy");
});

// Checks what the API could not: the browser gives no value for a length that is no number, and sends no such key.
function isComplete(request) {
  const length = fields.duration_seconds;
  if (length.value === "") {
    const problem = length.validity.badInput ? "The length is not a number" : "The length is missing";
    complainAt(length, problem, "enter a number of seconds, for example 4.");
    return false;
  }
  if (!/^ifr_pk_[!-~]+$/.test(request.key)) {
    complainAt(byId("key"), "This is not an API key", "enter ifr_pk_ and then ASCII letters, digits or signs, without spaces.");
    return false;
  }
  return true;
}

function order() {
  return {
    prompt: fields.prompt.value,
    resolution: fields.resolution.value,
    aspect_ratio: fields.aspect_ratio.value,
    duration_seconds: Number(fields.duration_seconds.value),
  };
}

function accepted(body, request) {
  unfinished = null;
  // The next prompt may have been typed in the meantime.
  if (fields.prompt.value === request.prompt) fields.prompt.value = "";
  announce(`the job was started${body.data?.job_id ? `: ${body.data.job_id}` : ""}`);
}

// Shows an error at the field that it names, or else above the button.
function refused(status, error) {
  const message = error.message ?? String(error);
  const named = /^`(\w+)`/.exec(message)?.[1];
  const field = status === 401 || status === 403 ? byId("key") : fields[named === "aspect" ? "aspect_ratio" : named];
  if (!field) {
    complain(`${error.code ?? status}: ${message}`, error.hint);
    return;
  }
  complainAt(field, message, error.hint);
}

function complainAt(field, message, hint) {
  show(byId(`${field.id}-error`), message, hint);
  field.setAttribute("aria-invalid", "true");
  field.focus();
}

function complain(message, hint) {
  show(byId("form-error"), message, hint);
}

// The message and the hint as sentences.
function show(place, message, hint) {
  const end = !hint || /[.!?:]$/.test(message) ? "" : ".";
  const more = hint ? ` ${hint[0].toUpperCase()}${hint.slice(1)}` : "";
  place.replaceChildren(message + end, element("span", { className: "soft" }, more));
  place.hidden = false;
}

function clear() {
  for (const place of form.querySelectorAll(".field-error")) place.hidden = true;
  for (const field of form.querySelectorAll("[aria-invalid]")) field.removeAttribute("aria-invalid");
}
