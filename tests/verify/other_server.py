"""A server of the AI Video API that shares no code with this workspace.

It was written from the page and the collected facts alone, and decides by itself what they leave open. It keeps everything in
memory. The base URL is the first line of its output; `GET /__ledger` says what was charged under each idempotency key.
"""

import base64
import datetime
import hashlib
import hmac
import json
import pathlib
import re
import secrets
import struct
import threading
import time
import urllib.parse
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

CLIP = pathlib.Path(__file__, "../../../crates/infrai-video-sandbox/src/clips/stock/clip.mp4").resolve()
DAY = 24 * 60 * 60
LINK_SECONDS = 300
PAGE = 25
LARGEST_PAGE = 200
FREE_CREDIT = 2.00  # US dollars
PRICE_PER_SECOND = 0.04
SHORT_SIDES = {"720p": 720, "1080p": 1080, "4k": 2160}
SHAPES = {"16:9": (16, 9), "9:16": (9, 16), "1:1": (1, 1)}
PREFERENCES = ("balanced", "cheapest", "smartest")
FINAL = ("succeeded", "cancelled")
VENDORS = [
    {"vendor": "aurora", "models": ["aurora-2", "aurora-2-fast"], "resolutions": ["720p", "1080p"],
     "max_duration_seconds": 12, "supports_extend": True, "supports_upscale": False},
    {"vendor": "boreal", "models": ["boreal-xl"], "resolutions": ["1080p", "4k"],
     "max_duration_seconds": 6, "supports_extend": False, "supports_upscale": True},
]

lock = threading.RLock()
secret = secrets.token_bytes(32)
accounts = {}


class Refused(Exception):
    def __init__(self, status, code, message, hint=None):
        super().__init__(message)
        self.status = status
        self.error = {"code": code, "message": message, "hint": hint, "retryable": False}


class Account:
    def __init__(self):
        self.credit = FREE_CREDIT
        self.jobs = {}
        self.results = {}
        self.charges = []


def timestamp(seconds):
    return datetime.datetime.fromtimestamp(int(seconds), datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def signature(job_id, expires):
    return hmac.new(secret, f"{job_id}.{expires}".encode(), hashlib.sha256).hexdigest()


def link(job_id):
    expires = int(time.time()) + LINK_SECONDS
    query = urllib.parse.urlencode({"until": expires, "sig": signature(job_id, expires)})
    return f"http://127.0.0.1:{files.server_port}/clips/{job_id}.mp4?{query}", timestamp(expires)


def render(resolution, shape):
    """The clip of the workspace, whose track header names the wanted size."""
    across, down = SHAPES[shape]
    scale = SHORT_SIDES[resolution] / min(across, down)
    clip = bytearray(CLIP.read_bytes())
    header = clip.index(b"tkhd") + 4
    size = struct.pack(">II", int(across * scale) << 16, int(down * scale) << 16)
    clip[header + 76:header + 84] = size
    return bytes(clip)


def short(job):
    shown = {"job_id": job["job_id"], "state": job["state"]}
    if job["state"] == "succeeded":
        shown["video_url"] = link(job["job_id"])[0]
    return shown


def check(condition, field):
    if not condition:
        raise Refused(422, "INVALID_PARAMETER", f"{field} is missing or not valid", f"see {field} in the documentation")


def is_number(value):
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def find(account, job_id):
    job = account.jobs.get(job_id)
    if job is None:
        raise Refused(404, "JOB_NOT_FOUND", "there is no such job")
    return job


def poll(account, job_id):
    """A job takes a step each time somebody asks for it."""
    job = find(account, job_id)
    job["state"] = {"queued": "running", "running": "succeeded"}.get(job["state"], job["state"])
    return job


def generate(account, body, key):
    prompt, seconds = body.get("prompt"), body.get("duration_seconds", 5)
    resolution = body.get("resolution", "1080p")
    shapes = {body[name] for name in ("aspect", "aspect_ratio") if isinstance(body.get(name), str)} or {"16:9"}
    check(isinstance(prompt, str) and prompt.strip(), "prompt")
    check(is_number(seconds) and seconds > 0, "duration_seconds")
    check(len(shapes) == 1 and shapes <= set(SHAPES), "aspect_ratio")
    check(body.get("prefer", "balanced") in PREFERENCES, "prefer")
    able = [vendor for vendor in VENDORS
            if resolution in vendor["resolutions"] and seconds <= vendor["max_duration_seconds"]]
    check(able, "resolution")
    cost = round(seconds * PRICE_PER_SECOND, 6)
    if cost > account.credit:
        raise Refused(402, "INSUFFICIENT_CREDIT", "the credit is used up", "POST /v1/account/topup")
    account.credit -= cost
    account.charges.append(key)
    job = {"job_id": str(uuid.uuid4()), "state": "queued", "made": time.time(), "duration_seconds": seconds,
           "resolution": resolution, "vendor": able[0]["vendor"], "model": able[0]["models"][0],
           "file": render(resolution, shapes.pop())}
    account.jobs[job["job_id"]] = job
    return short(job), cost, job["vendor"]


def get(account, job_id):
    job = poll(account, job_id)
    return {**short(job), **{name: job[name] for name in ("duration_seconds", "resolution", "vendor", "model")}}


def cancel(account, job_id):
    job = find(account, job_id)
    if job["state"] in FINAL:
        return {"ok": False}
    job["state"] = "cancelled"
    return {"ok": True}


def list_jobs(account, query):
    limit, cursor = query.get("limit", str(PAGE)), query.get("cursor")
    check(re.fullmatch("[1-9][0-9]{0,8}", limit), "limit")
    jobs, start = list(account.jobs.values()), 0
    if cursor:
        try:
            last = base64.urlsafe_b64decode(cursor).decode()
        except ValueError:
            last = None
        start = next((index + 1 for index, job in enumerate(jobs) if job["job_id"] == last), 0)
        check(start, "cursor")
    page = jobs[start:start + min(int(limit), LARGEST_PAGE)]
    more = start + len(page) < len(jobs)
    following = base64.urlsafe_b64encode(page[-1]["job_id"].encode()).decode() if more else None
    return {"items": [short(job) for job in page], "next_cursor": following}


def delete(account, job_id):
    account.jobs.pop(job_id, None)
    return {"ok": True}


def delete_all(account):
    count = len(account.jobs)
    account.jobs.clear()
    return {"deleted": count}


def download_url(account, job_id):
    if find(account, job_id)["state"] != "succeeded":
        raise Refused(409, "NOT_READY", "the job has no clip", "wait until its state is succeeded")
    url, expires_at = link(job_id)
    return {"url": url, "expires_at": expires_at}


def set_retention(account, job_id, days):
    job = find(account, job_id)
    check(isinstance(days, int) and not isinstance(days, bool) and 1 <= days <= 90, "days")
    return {"job_id": job_id, "retention_days": days, "expires_at": timestamp(job["made"] + days * DAY)}


def perform(account, method, route, query, body, key):
    """The result, its cost and its vendor."""
    operation, job_id = (route + [None])[:2]
    plain = {
        ("GET", "status", 2): lambda: short(poll(account, job_id)),
        ("GET", "get", 2): lambda: get(account, job_id),
        ("POST", "cancel", 2): lambda: cancel(account, job_id),
        ("GET", "list", 1): lambda: list_jobs(account, query),
        ("DELETE", "delete", 2): lambda: delete(account, job_id),
        ("POST", "delete_all", 1): lambda: delete_all(account),
        ("GET", "download_url", 2): lambda: download_url(account, job_id),
        ("POST", "set_retention", 2): lambda: set_retention(account, job_id, body.get("days")),
        ("GET", "capabilities", 1): lambda: {"vendors": VENDORS},
    }
    if (method, route) == ("POST", ["generate"]):
        return generate(account, body, key)
    handler = plain.get((method, operation, len(route)))
    if handler is None:
        raise Refused(404, "NO_SUCH_ROUTE", "there is no such route")
    return handler(), 0, None


def once(account, method, route, query, body, key):
    """Performs a write once for each idempotency key of the last 24 hours."""
    if method == "GET":
        return perform(account, method, route, query, body, key)
    content = json.dumps([route, {name: body[name] for name in body if name != "idempotency_key"}], sort_keys=True)
    known = account.results.get(key)
    if known and known["at"] + DAY > time.time():
        if known["content"] != content:
            raise Refused(409, "IDEMPOTENCY_KEY_REUSED", "another request had this idempotency key")
        return known["result"]
    result = perform(account, method, route, query, body, key)
    account.results[key] = {"at": time.time(), "content": content, "result": result}
    return result


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version, sys_version = "clips/1.0", ""
    # One packet for the head and the body.
    wbufsize = -1

    def log_message(self, *_):
        pass

    def respond(self, status, body, headers):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


class Api(Handler):
    def do(self):
        started, request_id = time.monotonic(), uuid.uuid4().hex
        raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        status, headers = 200, {"Content-Type": "application/json; charset=utf-8", "X-Request-Id": request_id}
        data, error, cost, vendor = None, None, 0, None
        try:
            with lock:
                data, cost, vendor = self.result(raw)
        except Refused as refused:
            status, error = refused.status, refused.error
            if status == 401:
                headers["WWW-Authenticate"] = "Bearer"
        latency = int((time.monotonic() - started) * 1000)
        envelope = {"ok": error is None, "data": data, "error": error, "metadata": {
            "cost_usd": cost, "latency_ms": latency, "vendor": vendor, "cache_hit": False, "request_id": request_id}}
        self.respond(status, json.dumps(envelope).encode(), headers)

    do_GET = do_POST = do_DELETE = do

    def result(self, raw):
        url = urllib.parse.urlsplit(self.path)
        route = [urllib.parse.unquote(part) for part in url.path.split("/")[1:]]
        if route == ["__ledger"]:
            charges = [key for account in accounts.values() for key in account.charges]
            jobs = sum(len(account.jobs) for account in accounts.values())
            return {"charges": {key: charges.count(key) for key in charges}, "jobs": jobs}, 0, None
        kind, _, api_key = self.headers.get("Authorization", "").partition(" ")
        if kind.lower() != "bearer" or not api_key.startswith("ifr_pk_"):
            raise Refused(401, "INVALID_API_KEY", "the API key is missing or not valid", "get one at the console")
        try:
            body = json.loads(raw) if raw else {}
        except ValueError:
            body = None
        if not isinstance(body, dict):
            raise Refused(400, "INVALID_JSON", "the body is not a JSON object")
        if route[:2] != ["v1", "video"]:
            raise Refused(404, "NO_SUCH_ROUTE", "there is no such route")
        account = accounts.setdefault(api_key, Account())
        query = dict(urllib.parse.parse_qsl(url.query))
        key = self.headers.get("Idempotency-Key") or body.get("idempotency_key") or str(uuid.uuid4())
        return once(account, self.command, route[2:], query, body, key)


class Files(Handler):
    def do_GET(self):
        url = urllib.parse.urlsplit(self.path)
        query = dict(urllib.parse.parse_qsl(url.query))
        job_id, until = pathlib.PurePosixPath(url.path).stem, query.get("until", "0")
        with lock:
            jobs = [account.jobs[job_id] for account in accounts.values() if job_id in account.jobs]
        if not hmac.compare_digest(query.get("sig", ""), signature(job_id, until)) or int(until) < time.time():
            return self.respond(403, b"this link is not valid, or no longer\n", {"Content-Type": "text/plain"})
        if not jobs:
            return self.respond(404, b"this clip was deleted\n", {"Content-Type": "text/plain"})
        clip = jobs[0]["file"]
        etag = f'"{hashlib.md5(clip).hexdigest()}"'
        headers = {"Content-Type": "video/mp4", "ETag": etag, "Accept-Ranges": "bytes"}
        part = re.fullmatch("bytes=([0-9]+)-([0-9]*)", self.headers.get("Range", ""))
        if part is None or self.headers.get("If-Range", etag) != etag:
            return self.respond(200, clip, headers)
        first, last = int(part[1]), min(int(part[2] or len(clip)), len(clip) - 1)
        if first > last:
            return self.respond(416, b"", {**headers, "Content-Range": f"bytes */{len(clip)}"})
        headers["Content-Range"] = f"bytes {first}-{last}/{len(clip)}"
        return self.respond(206, clip[first:last + 1], headers)


files = ThreadingHTTPServer(("127.0.0.1", 0), Files)
api = ThreadingHTTPServer(("127.0.0.1", 0), Api)
threading.Thread(target=files.serve_forever, daemon=True).start()
print(f"http://127.0.0.1:{api.server_port}", flush=True)
api.serve_forever()
