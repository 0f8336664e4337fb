// Shows the event stream of the sandbox, and controls its clock and faults.
// Text from outside reaches the page only through textContent.

const byId = (id) => document.getElementById(id);

// Keys that are not properties become attributes.
function element(tag, settings = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(settings)) {
    if (name in node) node[name] = value;
    else if (value !== null && value !== undefined) node.setAttribute(name, value);
  }
  node.append(...children.filter((child) => child !== null));
  return node;
}

const state = {
  clock: null,
  jobs: new Map(),
  total: 0,
  account: "",
  keyAccount: "",
  samples: [],
  stream: null,
};

// ---- requests to the sandbox

const TOKEN = "sandbox-token";

async function ask(path, options = {}) {
  const token = sessionStorage.getItem(TOKEN);
  const headers = token ? { Authorization: `Bearer ${token}` } : {};
  const response = await fetch(path, { ...options, headers, cache: "no-store" });
  if (response.ok) return response;
  const reason = await response.json().then((body) => body.error, () => null);
  const text = typeof reason === "string" ? reason : `the sandbox responded with ${response.status}`;
  if (response.status === 401 || response.status === 403) openGate(text);
  throw new Error(text);
}

async function act(path, method, body) {
  try {
    await ask(path, { method, body });
    byId("notice").hidden = true;
    return true;
  } catch (error) {
    complain(error.message);
    return false;
  }
}

function complain(message) {
  const notice = byId("notice");
  notice.textContent = message;
  notice.hidden = false;
}

function openGate(reason) {
  if (!byId("gate").hidden) return;
  byId("gate-reason").textContent = reason;
  byId("gate").hidden = false;
  byId("token").focus();
}

byId("gate").addEventListener("submit", (event) => {
  event.preventDefault();
  sessionStorage.setItem(TOKEN, byId("token").value);
  byId("token").value = "";
  byId("gate").hidden = true;
  connect();
});

// ---- events

// fetch instead of EventSource: only fetch can send a token.
async function connect() {
  state.stream?.abort();
  const stream = new AbortController();
  state.stream = stream;
  let pause = 500;
  while (state.stream === stream && byId("gate").hidden) {
    try {
      const path = state.account ? `/__sandbox/events?account=${encodeURIComponent(state.account)}` : "/__sandbox/events";
      const response = await ask(path, { signal: stream.signal });
      forget();
      linked(true);
      pause = 500;
      await listen(response.body.pipeThrough(new TextDecoderStream()).getReader());
    } catch {
      if (stream.signal.aborted) return;
    }
    linked(false);
    await new Promise((resolve) => setTimeout(resolve, pause));
    pause = Math.min(pause * 2, 5000);
  }
}

async function listen(reader) {
  let rest = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    const blocks = (rest + value).split("\n\n");
    rest = blocks.pop();
    for (const block of blocks) hear(block);
  }
}

function hear(block) {
  let name = "";
  const data = [];
  for (const line of block.split("\n")) {
    if (line.startsWith("event: ")) name = line.slice(7);
    if (line.startsWith("data: ")) data.push(line.slice(6));
  }
  hearers[name]?.(JSON.parse(data.join("\n")));
}

function linked(is) {
  byId("link").textContent = is ? "live" : "not connected";
  byId("link").dataset.state = is ? "on" : "off";
}

function forget() {
  state.jobs.clear();
  byId("job-list").replaceChildren();
  state.fresh = true;
}

const hearers = {
  hello({ samples, scenarios }) {
    state.samples = samples;
    showScenarios(scenarios);
    showLines();
  },
  clock({ now, factor }) {
    state.clock = { at: Date.parse(now), factor, since: performance.now() };
    byId("pace").textContent =
      factor === 0 ? "manual: moves only when advanced" : factor === 1 ? "real time" : `${factor} times real time`;
    showTime();
  },
  jobs: showJobs,
  ledger: showLedger,
  faults: showFaults,
};

// ---- the clock

function now() {
  const { at, factor, since } = state.clock;
  return at + (performance.now() - since) * factor;
}

const day = (at) => new Date(at).toISOString().slice(0, 10);
const hour = (at) => new Date(at).toISOString().slice(11, 19);

function showTime() {
  if (!state.clock) return;
  const at = now();
  byId("now").textContent = `${day(at)} ${hour(at)} UTC`;
  byId("now").dateTime = new Date(at).toISOString();
  for (const { job, parts } of state.jobs.values()) showProgress(job, parts, at);
  byId("next-change").disabled = nextChange() === null;
}

// When the next job starts or finishes.
function nextChange() {
  let soonest = null;
  for (const { job } of state.jobs.values()) {
    const at = job.state === "queued" ? job.starts_at : job.state === "running" ? job.ends_at : null;
    if (at !== null && (soonest === null || Date.parse(at) < soonest)) soonest = Date.parse(at);
  }
  return soonest;
}

const advance = (seconds) => act("/__sandbox/clock", "POST", JSON.stringify({ advance_seconds: seconds }));

for (const button of document.querySelectorAll("[data-advance]")) {
  button.addEventListener("click", () => advance(Number(button.dataset.advance)));
}
byId("next-change").addEventListener("click", () => {
  const at = nextChange();
  // The sandbox has a finer resolution than a browser: one more millisecond is surely past the change.
  if (at !== null) advance(Math.max(0, at - now() + 1) / 1000);
});
setInterval(() => {
  if (state.clock?.factor > 0 && !document.hidden) showTime();
}, 500);

// ---- the jobs

function showJobs({ total, changed, gone }) {
  for (const number of gone) {
    state.jobs.get(number)?.node.remove();
    state.jobs.delete(number);
  }
  const news = [];
  for (const job of [...changed].reverse()) {
    const known = state.jobs.get(job.number);
    if (known?.job.state !== job.state) news.push(`${shortName(job)} is ${job.state}`);
    if (known === undefined) addJob(job);
    else updateJob(known, job);
  }
  state.total = total;
  const shown = state.jobs.size;
  byId("job-count").textContent = shown < total ? `newest ${shown} of ${total}` : `${total}`;
  byId("empty").hidden = total > 0;
  if (!state.fresh) announce(news);
  state.fresh = false;
  showTime();
  showLines();
}

function announce(news) {
  if (news.length > 3) byId("news").textContent = `${news.length} jobs changed`;
  else if (news.length > 0) byId("news").textContent = news.join(", ");
}

const shortName = (job) => `job ${job.number}`;
const dollars = (amount) => amount.toLocaleString("en", { style: "currency", currency: "USD", maximumFractionDigits: 6 });

function addJob(job) {
  const parts = {
    frame: element("div", { className: "frame" }),
    state: element("span", { className: "state" }),
    prompt: element("p", { className: "prompt", dir: "auto" }),
    more: element("button", { className: "quiet", hidden: true, type: "button", "aria-expanded": "false" }, "Whole prompt"),
    progress: element("progress", { max: 1, hidden: true, "aria-label": `Progress of ${shortName(job)}` }),
    error: element("p", { className: "error", hidden: true }),
    cost: element("span"),
  };
  parts.prompt.textContent = job.prompt;
  if (job.prompt_length > job.prompt.length) parts.prompt.append(` … (${job.prompt_length} characters)`);
  parts.more.addEventListener("click", () => {
    const whole = parts.prompt.classList.toggle("whole");
    parts.more.setAttribute("aria-expanded", String(whole));
  });
  parts.more.hidden = job.prompt.length < 200;
  const made = element("time", { dateTime: job.created_at }, hour(job.created_at));
  const facts = element("p", { className: "facts" });
  const size = `${job.duration_seconds} s, ${job.resolution}, ${job.aspect_ratio}`;
  for (const fact of [size, job.vendor, parts.cost, made]) facts.append(element("span", {}, fact));
  const ids = element("p", { className: "ids" }, fact("job", job.job_id), fact("request", job.request_id));
  if (job.idempotency_key) ids.append(fact("key", job.idempotency_key));
  ids.append(fact("account", job.account));
  const text = element(
    "div",
    { className: "text" },
    element("div", { className: "head" }, parts.state, element("span", { className: "soft" }, `#${job.number}`)),
    parts.prompt,
    parts.more,
    parts.progress,
    parts.error,
    facts,
    ids,
  );
  const node = element("li", { className: "card job" }, parts.frame, text);
  node.dataset.job = job.job_id;
  byId("job-list").prepend(node);
  const entry = { job, node, parts };
  state.jobs.set(job.number, entry);
  updateJob(entry, job);
}

const fact = (name, value) => element("span", {}, element("b", {}, name), " ", element("code", {}, value));

function updateJob(entry, job) {
  const { node, parts } = entry;
  const hadClip = entry.shownClip ?? null;
  entry.job = job;
  node.dataset.state = job.state;
  parts.state.textContent = job.state;
  const back = job.state === "failed" || job.state === "cancelled";
  parts.cost.textContent = back ? `${dollars(job.cost_usd)} refunded` : dollars(job.cost_usd);
  parts.error.hidden = job.error === null;
  parts.error.textContent = job.error ? `${job.error.code}: ${job.error.message}` : "";
  const hasClip = job.video_url !== null;
  if (hadClip !== hasClip) {
    entry.shownClip = hasClip;
    parts.frame.replaceChildren(hasClip ? preview(entry) : placeholder(job));
  } else if (!hasClip) {
    parts.frame.replaceChildren(placeholder(job));
  }
}

function placeholder(job) {
  const words = { queued: "waiting", running: "in progress", succeeded: "the clip has been deleted", failed: "no clip", cancelled: "no clip" };
  return element("span", { className: "soft" }, words[job.state] ?? job.state);
}

function showProgress(job, parts, at) {
  const runs = job.state === "running";
  parts.progress.hidden = !runs;
  if (!runs) return;
  const [from, to] = [Date.parse(job.starts_at), Date.parse(job.ends_at)];
  parts.progress.value = Math.min(1, Math.max(0, (at - from) / Math.max(1, to - from)));
}

// A thumbnail that starts the player. The clip is fetched only then.
function preview(entry) {
  const picture = element("img", { alt: "", loading: "lazy", decoding: "async" });
  retryWithFreshLink(entry, picture, "thumbnail_url");
  picture.src = entry.job.thumbnail_url;
  const button = element("button", { className: "play", type: "button", "aria-label": `Play the clip of ${shortName(entry.job)}` }, picture);
  button.addEventListener("click", () => play(entry));
  return button;
}

function play(entry) {
  const video = element("video", { controls: true, playsInline: true, loop: false });
  video.setAttribute("aria-label", `Clip of ${shortName(entry.job)}`);
  retryWithFreshLink(entry, video, "video_url");
  entry.parts.frame.replaceChildren(video);
  video.src = entry.job.video_url;
  video.focus();
  video.play().catch(() => {});
}

// Links expire on the sandbox's clock, which may run fast: a failed file is requested once more with a new link.
function retryWithFreshLink(entry, media, link) {
  let tries = 0;
  media.addEventListener("error", async () => {
    if (tries++ >= 3 || !media.isConnected) return;
    const at = media.currentTime;
    try {
      const response = await ask(`/__sandbox/jobs/${encodeURIComponent(entry.job.job_id)}`);
      const fresh = (await response.json())[link];
      if (!fresh) return;
      media.src = fresh;
      if (at) media.currentTime = at;
      if (media.play) media.play().catch(() => {});
    } catch (error) {
      complain(error.message);
    }
  });
}

// ---- the money

function showLedger({ accounts, account_count, entries, entry_count, double_charges }) {
  const select = byId("account");
  const options = accounts.map(({ name, jobs }) => element("option", { value: name }, `${name} (${jobs})`));
  select.replaceChildren(element("option", { value: "" }, `all (${account_count})`), ...options);
  if (state.account && !accounts.some(({ name }) => name === state.account)) {
    select.append(element("option", { value: state.account }, state.account));
  }
  select.value = state.account;
  const visible = accounts.filter(({ name }) => !state.account || name === state.account).slice(0, 6);
  byId("balances").replaceChildren(
    ...visible.map(({ name, balance_usd }) => element("li", {}, element("code", {}, name), element("b", {}, dollars(balance_usd)))),
  );
  byId("entries").replaceChildren(...entries.map(movement));
  byId("entry-count").textContent =
    entry_count === 0 ? "Nothing was charged yet." : entries.length < entry_count ? `The newest ${entries.length} of ${entry_count}.` : "";
  byId("double-charges").textContent = double_charges === 1 ? "1 duplicate charge" : `${double_charges} duplicate charges`;
  byId("double-charges").className = double_charges === 0 ? "good" : "bad";
}

function movement(entry) {
  const what = entry.response_lost ? `${entry.kind}, response lost` : entry.kind;
  const job = entry.job_id ? `…${entry.job_id.slice(-6)}` : "";
  return element(
    "tr",
    {},
    element("td", {}, element("time", { dateTime: entry.at }, hour(entry.at))),
    element("td", {}, what),
    element("td", {}, element("code", { title: entry.job_id ?? "" }, job)),
    element("td", { className: "amount" }, entry.amount_usd.toFixed(2)),
  );
}

byId("account").addEventListener("change", (event) => {
  state.account = event.target.value;
  connect();
});

// ---- the faults

function showFaults({ active, ready }) {
  const switches = byId("switches");
  const focused = [...switches.querySelectorAll("button")].indexOf(document.activeElement);
  switches.replaceChildren(...ready.map(toggle));
  if (focused >= 0) switches.querySelectorAll("button")[focused]?.focus();
  byId("rules").replaceChildren(...(active.length > 0 ? active.map(rule) : [element("li", { className: "soft" }, "None.")]));
  byId("clear-faults").disabled = active.length === 0;
}

function toggle({ title, summary, toml, on }, place) {
  const text = `fault-${place}`;
  const button = element("button", { type: "button", role: "switch", "aria-checked": String(on), "aria-describedby": text }, title);
  const path = on ? "/__sandbox/faults/remove" : "/__sandbox/faults";
  button.addEventListener("click", () => act(path, "POST", toml));
  return element("li", {}, button, element("p", { id: text, className: "soft" }, summary));
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

byId("clear-faults").addEventListener("click", () => act("/__sandbox/faults", "PUT", ""));

// ---- the scenarios

function showScenarios(scenarios) {
  byId("scenarios").replaceChildren(
    ...scenarios.map(({ name, summary, toml }) => {
      const button = element("button", { type: "button" }, `Start ${name}`);
      button.addEventListener("click", async () => {
        if (await act(`/__sandbox/scenario/${encodeURIComponent(name)}`, "PUT", "")) {
          byId("news").textContent = `the sandbox was reset with ${name}`;
        }
      });
      return element(
        "details",
        {},
        element("summary", {}, element("code", {}, name), " ", element("span", { className: "soft" }, summary)),
        element("pre", { tabIndex: 0, "aria-label": `The file of ${name}` }, toml.trim()),
        button,
      );
    }),
  );
}

byId("own-settings").addEventListener("click", () => act("/__sandbox/scenario", "PUT", ""));
byId("reset").addEventListener("click", () => act("/__sandbox/reset", "POST", ""));

// ---- the curl commands

const inQuotes = (text) => text.replace(/[\\"$`]/g, "\\$&");

// A new key for each copy: the same key would only replay the first response.
const freshKey = () => `page-${crypto.getRandomValues(new Uint32Array(2)).join("-")}`;

function filledIn(sample) {
  const job = newestJob();
  return sample.curl
    .replaceAll("$INFRAI_BASE_URL", () => inQuotes(location.origin))
    .replaceAll("$INFRAI_API_KEY", () => inQuotes(byId("key").value))
    .replaceAll("$JOB_ID", (whole) => (job ? inQuotes(job.job_id) : whole))
    .replace(/Idempotency-Key: [^"]*/, () => `Idempotency-Key: ${freshKey()}`);
}

// The newest job of the key's account on this page.
function newestJob() {
  const jobs = [...state.jobs.values()].map(({ job }) => job).sort((a, b) => b.number - a.number);
  return jobs.find((job) => job.account === state.keyAccount) ?? null;
}

function showLines() {
  const job = newestJob();
  byId("curl-job").textContent = job ? `The job is the newest of this key, ${shortName(job)}.` : "Set JOB_ID to a job of this key.";
  const lines = byId("lines");
  if (lines.childElementCount !== state.samples.length) {
    lines.replaceChildren(...state.samples.map((sample) => element("li", {}, line(sample, `${sample.summary}`))));
  }
  for (const [place, sample] of state.samples.entries()) fill(lines.children[place], sample);
  const first = state.samples[0];
  if (first && byId("first-line").childElementCount === 0) byId("first-line").append(line(first, "Start a job"));
  if (first) fill(byId("first-line"), first);
}

function fill(holder, sample) {
  const code = holder.querySelector("pre code");
  const text = filledIn(sample);
  // A selection or cursor is kept if only the new key would differ.
  const bare = (line) => line.replace(/Idempotency-Key: [^"]*/, "");
  if (bare(code.textContent) !== bare(text)) code.textContent = text;
}

function line(sample, title) {
  const code = element("code");
  const copy = element("button", { type: "button", "aria-label": `Copy: ${title}` }, "Copy");
  copy.addEventListener("click", async () => {
    code.textContent = filledIn(sample);
    try {
      await navigator.clipboard.writeText(code.textContent);
      copy.textContent = "Copied";
    } catch {
      getSelection().selectAllChildren(code);
      copy.textContent = "Selected";
    }
    setTimeout(() => { copy.textContent = "Copy"; }, 2000);
  });
  return element(
    "div",
    { className: "line" },
    element("div", { className: "head" }, element("span", {}, title), copy),
    element("pre", { tabIndex: 0, "aria-label": title }, code),
  );
}

// The name of an account is a digest of its key, as in the sandbox. Digests need a secure context.
async function learnAccount() {
  const key = byId("key").value;
  const digest = await crypto.subtle?.digest("SHA-256", new TextEncoder().encode(key));
  if (key !== byId("key").value) return;
  const hex = digest ? [...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, "0")).join("") : "";
  state.keyAccount = `acct_${hex.slice(0, 16)}`;
  showLines();
}

byId("key").addEventListener("input", learnAccount);

learnAccount();
connect();
