// A request as a command for a terminal.

import { ask } from "./core.js";

// What curl sets itself, or what belongs to the connection of the first caller.
const LEFT_OUT = /^(host|content-length|connection|accept-encoding|transfer-encoding|expect|user-agent|origin|referer|te|upgrade|sec-.*|x-forwarded-.*)$/;

// For the shells of POSIX: everything is literal, also a new line.
const quoted = (text) => `'${text.replaceAll("'", "'\\''")}'`;

// The command that sends the request again, with the API key from the environment.
export async function curl(request) {
  const { method, headers, authorization, body } = request;
  const parts = [method === "HEAD" ? "curl -sS --head" : method === "GET" ? "curl -sS" : `curl -sS -X ${quoted(method)}`];
  const isFile = request.host !== "api";
  parts.push(quoted(isFile ? await freshLink(request) : `${location.origin}${request.path}${request.query ? `?${request.query}` : ""}`));
  if (authorization) parts.push('-H "Authorization: Bearer $INFRAI_API_KEY"');
  for (const [name, value] of headers) {
    if (!LEFT_OUT.test(name)) parts.push(`-H ${quoted(value === "" ? `${name};` : `${name}: ${value}`)}`);
  }
  if (body) parts.push(`--data-binary ${quoted(body)}`);
  else if (method === "POST" || method === "PUT") parts.push("--data-binary ''");
  if (isFile && method !== "HEAD") parts.push(`-o ${quoted(request.path.split("/").pop())}`);
  return parts.join(" \\\n  ");
}

// The journal has no whole links, since whoever has one can download the clip.
async function freshLink({ job_id: job, path, query }) {
  const name = path.startsWith("/thumbnails/") ? "thumbnail_url" : "video_url";
  try {
    const link = job && (await (await ask(`/__sandbox/jobs/${encodeURIComponent(job)}`)).json())[name];
    if (link) return link;
  } catch {
    // The job was deleted: the link as it was in the journal gives the same error.
  }
  return `${location.origin}${path}${query ? `?${query}` : ""}`;
}
