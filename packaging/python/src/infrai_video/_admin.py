"""Calls of the admin API."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from typing import Any, Optional
from urllib.parse import urlencode

#: Of a call, in seconds.
TIMEOUT = 10.0

# No proxy: the sandbox is on this machine.
_OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class SandboxError(RuntimeError):
    """The sandbox could not be started, or rejected a call of the admin API."""


def call(base_url: str, account: str, method: str, path: str, body: Optional[object] = None) -> Any:
    """Calls the admin API for one account, and returns the JSON of the response."""
    request = urllib.request.Request(
        f"{base_url}/__sandbox/{path}?{urlencode({'account': account})}",
        method=method,
        data=None if body is None else json.dumps(body).encode(),
        headers={} if body is None else {"Content-Type": "application/json"},
    )
    try:
        with _OPENER.open(request, timeout=TIMEOUT) as response:
            return json.load(response)
    except urllib.error.HTTPError as error:
        raise SandboxError(f"{method} /__sandbox/{path}: {error.code}: {_reason(error)}") from None
    except OSError as error:
        raise SandboxError(f"the sandbox at {base_url} does not respond: {error}") from error


def _reason(error: urllib.error.HTTPError) -> str:
    text = error.read().decode(errors="replace")
    try:
        return str(json.loads(text)["error"])
    except (ValueError, KeyError, TypeError):
        return text.strip()
