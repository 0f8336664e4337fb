// The event stream of the sandbox.

import { announce, ask, byId, setConnected, state, unlock } from "./core.js";

// In milliseconds. The sandbox sends something about every 15 s: a connection that is silent for longer is frozen.
const LONGEST_SILENCE = 40_000;

const hearers = {};
const filter = {};
let stream = null;

// Calls `hearer` with the data of each event of this name. `isFirst`: it is the whole state, after a new connection.
export function hear(name, hearer) {
  hearers[name] = hearer;
}

// Limits the stream to an account, or its requests to a job or a status.
export function select(parts) {
  Object.assign(filter, parts);
  return connect();
}

// fetch instead of EventSource: only fetch can send a token.
export async function connect() {
  stream?.abort();
  const own = new AbortController();
  stream = own;
  let pause = 500;
  while (stream === own && byId("gate").hidden) {
    const silence = new AbortController();
    let timer = null;
    const alive = () => {
      clearTimeout(timer);
      timer = setTimeout(() => silence.abort(), LONGEST_SILENCE);
    };
    alive();
    try {
      const parameters = new URLSearchParams(Object.entries({ account: state.account, ...filter }).filter(([, value]) => value));
      const response = await ask(`/__sandbox/events?${parameters}`, { signal: AbortSignal.any([own.signal, silence.signal]) });
      if (setConnected(true) && own.lost) announce("connected again");
      pause = 500;
      await read(response.body.pipeThrough(new TextDecoderStream()).getReader(), alive);
    } catch {
      if (own.signal.aborted) return;
    } finally {
      clearTimeout(timer);
    }
    if (setConnected(false)) announce("the connection to the sandbox was lost");
    own.lost = true;
    await new Promise((resolve) => setTimeout(resolve, pause));
    pause = Math.min(pause * 2, 5000);
  }
}

async function read(reader, alive) {
  const heard = new Set();
  let rest = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    alive();
    const blocks = (rest + value).split("\n\n");
    rest = blocks.pop();
    for (const block of blocks) dispatch(block, heard);
  }
}

function dispatch(block, heard) {
  let name = "";
  const data = [];
  for (const line of block.split("\n")) {
    if (line.startsWith("event: ")) name = line.slice(7);
    if (line.startsWith("data: ")) data.push(line.slice(6));
  }
  if (!name) return;
  hearers[name]?.(JSON.parse(data.join("\n")), !heard.has(name));
  heard.add(name);
}

byId("gate").addEventListener("submit", async (event) => {
  event.preventDefault();
  const token = byId("token").value.trim();
  byId("token").value = "";
  if (await unlock(token)) connect();
});

byId("account").addEventListener("change", (event) => {
  state.account = event.target.value;
  connect();
});
