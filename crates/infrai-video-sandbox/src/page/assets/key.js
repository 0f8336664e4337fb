// The API key that the page sends and shows in commands: one value in several fields.

const inputs = [...document.querySelectorAll("[data-key]")];
const listeners = [];

export const key = () => inputs[0].value;

// The name of the account of the key. Empty where the browser has no digests: they need a secure context.
export let account = "";

export function onKey(listener) {
  listeners.push(listener);
}

// The name of an account is a digest of its key, as in the sandbox.
async function learn() {
  const text = key();
  const digest = await crypto.subtle?.digest("SHA-256", new TextEncoder().encode(text));
  if (text !== key()) return;
  const hex = digest ? [...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, "0")).join("") : "";
  account = hex && `acct_${hex.slice(0, 16)}`;
  for (const listener of listeners) listener();
}

for (const input of inputs) {
  input.addEventListener("input", () => {
    for (const other of inputs) if (other !== input) other.value = input.value;
    learn();
  });
}
learn();
