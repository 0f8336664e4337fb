"""Calls of the admin API."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Optional
from urllib.parse import urlencode

if TYPE_CHECKING:
    from urllib.error import HTTPError

#: Of a call, in seconds.
TIMEOUT = 10.0


class SandboxError(RuntimeError):
    """The sandbox could not be started, or rejected a call of the admin API."""


def call(
    base_url: str, admin_token: Optional[str], account: str, method: str, path: str, body: Optional[object] = None
) -> Any:
    """Calls the admin API for one account, and returns the JSON of the response. An ``OSError`` means that there is none."""
    # It takes long to import, and each run of pytest imports this module.
    import urllib.request
    from urllib.error import HTTPError

    headers = {} if body is None else {"Content-Type": "application/json"}
    if admin_token is not None:
        headers["Authorization"] = f"Bearer {admin_token}"
    request = urllib.request.Request(
        f"{base_url}/__sandbox/{path}?{urlencode({'account': account})}",
        method=method,
        data=None if body is None else json.dumps(body).encode(),
        headers=headers,
    )
    # No proxy: the sandbox is on this machine.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=TIMEOUT) as response:
            return json.load(response)
    except HTTPError as error:
        raise SandboxError(f"{method} /__sandbox/{path}: {error.code}: {_reason(error)}") from None


def _reason(error: "HTTPError") -> str:
    text = error.read().decode(errors="replace")
    try:
        return str(json.loads(text)["error"])
    except (ValueError, KeyError, TypeError):
        return text.strip()
