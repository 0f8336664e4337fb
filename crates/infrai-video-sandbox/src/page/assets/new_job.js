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

// The same for a second try, so that a lost response does not cost a second job.
let idempotencyKey = null;

// Beside the list there is room for it.
const wide = matchMedia("(min-width: 62rem)");
byId("new-job").open = wide.matches;
wide.addEventListener("change", () => {
  const isInUse = form.contains(document.activeElement) || !byId("empty").hidden;
  byId("new-job").open = wide.matches || isInUse;
});

form.addEventListener("input", () => {
  idempotencyKey = null;
});

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  clear();
  idempotencyKey ??= `page-${crypto.getRandomValues(new Uint32Array(2)).join("-")}`;
  const button = byId("start-job");
  button.setAttribute("aria-busy", "true");
  try {
    const response = await fetch("/v1/video/generate", {
      method: "POST",
      headers: { Authorization: `Bearer ${key()}`, "Content-Type": "application/json", "Idempotency-Key": idempotencyKey },
      body: JSON.stringify(order()),
    });
    const body = await response.json();
    if (response.ok) accepted(body);
    else refused(response.status, body.error ?? body);
  } catch (error) {
    const lost = error instanceof SyntaxError ? "The response is not JSON." : "There was no response: the job may exist, and may be charged.";
    complain(lost, "Start it again: the same idempotency key is sent, so that nothing is charged twice.");
  }
  button.removeAttribute("aria-busy");
});

function order() {
  const length = fields.duration_seconds.value;
  return {
    prompt: fields.prompt.value,
    resolution: fields.resolution.value,
    aspect_ratio: fields.aspect_ratio.value,
    ...(length === "" ? {} : { duration_seconds: Number(length) }),
  };
}

function accepted(body) {
  idempotencyKey = null;
  fields.prompt.value = "";
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
  const place = byId(`${field.id}-error`);
  place.replaceChildren(message, element("span", { className: "soft" }, ` ${error.hint ?? ""}`));
  place.hidden = false;
  field.setAttribute("aria-invalid", "true");
  field.focus();
}

function complain(message, hint) {
  byId("form-error").replaceChildren(message, element("span", { className: "soft" }, ` ${hint ?? ""}`));
  byId("form-error").hidden = false;
}

function clear() {
  for (const place of form.querySelectorAll(".field-error")) place.hidden = true;
  for (const field of form.querySelectorAll("[aria-invalid]")) field.removeAttribute("aria-invalid");
}
