"""Every case of the fixtures through the generated client: the golden request goes out, the golden answer comes in."""

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
    """The call of an operation that sends what `request` says."""
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
            raise AssertionError(f"the operation {operation} is not known here; add it")


def check(directory: Path) -> int:
    """Checks every case, and says how many there are."""
    server = GoldenServer()
    client = samples.connect(server.base_url, KEY)
    checked = 0
    for path in sorted(directory.glob("*.json")):
        file = json.loads(path.read_text())
        for golden in file["cases"]:
            where = f"{path.name} {golden['name']}"
            answer = server.expect(golden, lambda: send(client, file["operation"], golden["request"]))
            response = golden["response"]
            assert answer.status_code == response["status"], where
            assert answer.headers.get("Retry-After") == response["headers"].get("Retry-After"), where
            assert isinstance(answer.parsed, ErrorEnvelope) == (response["status"] >= 400), where
            assert answer.parsed is not None, where
            encoded = same_times(answer.parsed.to_dict())
            assert encoded == response["body"], f"{where}: {encoded}"
            checked += 1
    return checked


def same_times(value: Any) -> Any:
    """Times as the fixtures write them: the client writes +00:00 for Z."""
    if isinstance(value, dict):
        times = {"expires_at"}
        return {
            name: str(member).replace("+00:00", "Z") if name in times and member else same_times(member)
            for name, member in value.items()
        }
    return [same_times(item) for item in value] if isinstance(value, list) else value


def check_surprises(directory: Path) -> int:
    """Answers that a later server may give: an unknown state, an unknown error code and status, and extra fields."""
    server = GoldenServer()
    client = samples.connect(server.base_url, KEY)
    request = json.loads((directory / "video_status.json").read_text())["cases"][0]["request"]

    def ask(status: int, body: dict[str, Any]) -> Response[Any]:
        response = {"status": status, "headers": {"Content-Type": "application/json"}, "body": body}
        golden = {"request": request, "response": response}
        return server.expect(golden, lambda: send(client, "video_status", request))

    job = {"job_id": "vj_1", "state": "reticulating", "extra": {"deep": True}}
    answer = ask(200, {"ok": True, "data": job, "extra": 1})
    assert isinstance(answer.parsed, VideoJobEnvelope)
    assert answer.parsed.data.state == "reticulating"

    error = {"code": "NEVER_SEEN", "message": "new", "extra": [1]}
    body = {"ok": False, "data": {}, "error": error, "extra": 1, "metadata": {}}
    answer = ask(404, body)
    assert isinstance(answer.parsed, ErrorEnvelope)
    assert answer.parsed.error.code == "NEVER_SEEN"

    # The client decodes the statuses of the document alone.
    answer = ask(418, body)
    assert answer.parsed is None
    assert ErrorEnvelope.from_dict(json.loads(answer.content)).error.code == "NEVER_SEEN"
    return 3
