// A request as a command for a terminal.

import { ask } from "./core.js";

// What curl sets itself, or what belongs to the connection of the first caller.
const LEFT_OUT = /^(host|content-length|connection|accept-encoding|transfer-encoding|expect|user-agent|origin|referer|te|upgrade|sec-.*|x-forwarded-.*)$/;

// For the shells of POSIX: everything is literal, also a new line.
const quoted = (text) => `'${text.replaceAll("'", "'\\''")}'`;

// The command that sends the request again, with the API key from the environment. A link to a file gets a new
// signature if `isSigned`, and has none otherwise.
export async function curl(request, isSigned) {
  const { method, headers, authorization, body } = request;
  const parts = [method === "HEAD" ? "curl -sS --head" : method === "GET" ? "curl -sS" : `curl -sS -X ${quoted(method)}`];
  // The address is sent as it is, without ranges of curl and with its dots.
  parts[0] += " --globoff --path-as-is";
  const isFile = isOfFiles(request);
  const link = isFile && isSigned && (await freshLink(request));
  parts.push(quoted(link || `${origin(request)}${request.path}${queryOf(request)}`));
  if (authorization) parts.push('-H "Authorization: Bearer $INFRAI_API_KEY"');
  for (const [name, value] of headers) {
    if (!LEFT_OUT.test(name)) parts.push(`-H ${quoted(value === "" ? `${name};` : `${name}: ${value}`)}`);
  }
  if (body) parts.push(`--data-raw ${quoted(body)}`);
  else if (method === "POST" || method === "PUT") parts.push("--data-raw ''");
  if (isFile && method !== "HEAD") parts.push(`--fail -o ${quoted(request.path.split("/").pop())}`);
  return parts.join(" \\\n  ");
}

// Whether the request was for a file, and not for the API.
export const isOfFiles = ({ host }) => host !== "api";

function origin(request) {
  const host = isOfFiles(request) && request.headers.find(([name]) => name === "host")?.[1];
  return host ? `${location.protocol}//${host}` : location.origin;
}

function queryOf(request) {
  if (!request.query) return "";
  return `?${isOfFiles(request) ? request.query.replace(/\b(signature=)[^&]*/, "$1...") : request.query}`;
}

// The journal has no whole links, since whoever has one can download the clip.
async function freshLink({ job_id: job, path }) {
  const name = path.startsWith("/thumbnails/") ? "thumbnail_url" : "video_url";
  try {
    return job && (await (await ask(`/__sandbox/jobs/${encodeURIComponent(job)}`)).json())[name];
  } catch {
    // The job was deleted: the link without a signature gives an error too.
    return null;
  }
}
