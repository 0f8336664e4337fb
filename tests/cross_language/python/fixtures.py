"""Sends the request of each fixture with the generated client, and checks that it decodes the response."""

import json
from pathlib import Path
from typing import Any

import samples
from golden import GoldenServer
from infrai_video_api_client import AuthenticatedClient
from infrai_video_api_client.api.clips import (
    video_delete,
    video_delete_all,
    video_download_url,
    video_set_retention,
)
from infrai_video_api_client.api.jobs import (
    video_cancel,
    video_generate,
    video_get,
    video_list,
    video_status,
)
from infrai_video_api_client.api.vendors import video_capabilities
from infrai_video_api_client.models import (
    CancelRequest,
    DeleteAllRequest,
    ErrorEnvelope,
    GenerateRequest,
    SetRetentionRequest,
    VideoJobEnvelope,
)
from infrai_video_api_client.types import Response

KEY = "ifr_pk_proj_fixture"


def send(client: AuthenticatedClient, operation: str, request: dict[str, Any]) -> Response[Any]:
    """Calls an operation with the arguments that produce `request`."""
    job_id = str(request["path"]).split("/")[-1]
    body = request.get("body", {})
    key = request["headers"].get("Idempotency-Key")
    match operation:
        case "video_generate":
            generate = GenerateRequest.from_dict(body)
            return video_generate.sync_detailed(client=client, body=generate, idempotency_key=key)
        case "video_status":
            return video_status.sync_detailed(job_id, client=client)
        case "video_cancel":
            cancel = CancelRequest.from_dict(body)
            return video_cancel.sync_detailed(job_id, client=client, body=cancel, idempotency_key=key)
        case "video_get":
            return video_get.sync_detailed(job_id, client=client)
        case "video_list":
            return video_list.sync_detailed(client=client, **request["query"])
        case "video_delete":
            return video_delete.sync_detailed(job_id, client=client, idempotency_key=key)
        case "video_delete_all":
            everything = DeleteAllRequest.from_dict(body)
            return video_delete_all.sync_detailed(client=client, body=everything, idempotency_key=key)
        case "video_download_url":
            return video_download_url.sync_detailed(job_id, client=client)
        case "video_set_retention":
            retention = SetRetentionRequest.from_dict(body)
            return video_set_retention.sync_detailed(
                job_id, client=client, body=retention, idempotency_key=key
            )
        case "video_capabilities":
            return video_capabilities.sync_detailed(client=client)
        case _:
            raise AssertionError(f"the operation {operation} is unknown here; add it")


def check(directory: Path) -> int:
    """Checks every case, and returns their number."""
    server = GoldenServer()
    client = samples.connect(server.base_url, KEY)
    checked = 0
    for path in sorted(directory.glob("*.json")):
        file = json.loads(path.read_text())
        for golden in file["cases"]:
            where = f"{path.name} {golden['name']}"
            response = server.expect(golden, lambda: send(client, file["operation"], golden["request"]))
            expected = golden["response"]
            assert response.status_code == expected["status"], where
            assert response.headers.get("Retry-After") == expected["headers"].get("Retry-After"), where
            assert isinstance(response.parsed, ErrorEnvelope) == (expected["status"] >= 400), where
            assert response.parsed is not None, where
            encoded = same_times(response.parsed.to_dict())
            assert encoded == expected["body"], f"{where}: {encoded}"
            checked += 1
    return checked


def same_times(value: Any) -> Any:
    """Replaces +00:00, which the client writes, by Z, which the fixtures have."""
    if isinstance(value, dict):
        times = {"expires_at"}
        return {
            name: str(member).replace("+00:00", "Z") if name in times and member else same_times(member)
            for name, member in value.items()
        }
    return [same_times(item) for item in value] if isinstance(value, list) else value


def check_surprises(directory: Path) -> int:
    """Checks responses that a later server may send: an unknown state, an unknown error code and status, and extra fields."""
    server = GoldenServer()
    client = samples.connect(server.base_url, KEY)
    request = json.loads((directory / "video_status.json").read_text())["cases"][0]["request"]

    def play(status: int, body: dict[str, Any]) -> Response[Any]:
        response = {"status": status, "headers": {"Content-Type": "application/json"}, "body": body}
        golden = {"request": request, "response": response}
        return server.expect(golden, lambda: send(client, "video_status", request))

    job = {"job_id": "vj_1", "state": "reticulating", "extra": {"deep": True}}
    response = play(200, {"ok": True, "data": job, "extra": 1})
    assert isinstance(response.parsed, VideoJobEnvelope)
    assert response.parsed.data.state == "reticulating"

    error = {"code": "NEVER_SEEN", "message": "new", "extra": [1]}
    body = {"ok": False, "data": {}, "error": error, "extra": 1, "metadata": {}}
    response = play(404, body)
    assert isinstance(response.parsed, ErrorEnvelope)
    assert response.parsed.error.code == "NEVER_SEEN"

    # The client decodes only the statuses in the document.
    response = play(418, body)
    assert response.parsed is None
    assert ErrorEnvelope.from_dict(json.loads(response.content)).error.code == "NEVER_SEEN"
    return 3
