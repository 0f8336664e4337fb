"""Calls all ten operations of a sandbox whose clock is advanced manually."""

from dataclasses import dataclass

import httpx
import samples
from infrai_video_api_client import AuthenticatedClient
from infrai_video_api_client.api.clips import video_set_retention
from infrai_video_api_client.api.jobs import video_generate, video_status
from infrai_video_api_client.models import (
    AspectRatio,
    ErrorEnvelope,
    GenerateRequest,
    SetRetentionRequest,
    VideoJobEnvelope,
)


@dataclass
class Tour:
    operations: int
    errors: int
    pages: int
    clip_bytes: int


def take(base_url: str, api_key: str) -> Tour:
    called: set[str] = set()
    client = samples.connect(base_url, api_key)
    hooks = client.get_httpx_client().event_hooks
    hooks["request"].append(lambda request: called.add(request.url.path.split("/")[3]))
    client.get_httpx_client().event_hooks = hooks

    assert samples.capabilities(client).vendors, "no vendors"

    first = samples.generate(client)
    again = samples.generate(client)
    assert again.job_id == first.job_id, "one key made two jobs"

    small = start(client, "small")
    wait_for(client, base_url, small)
    assert samples.get(client, small).resolution == "720p"
    assert samples.set_retention(client, small).retention_days == 30
    link = samples.download_url(client, small).url
    assert isinstance(link, str), "no link"
    clip_bytes = download(link)

    refused = video_set_retention.sync_detailed(small, client=client, body=SetRetentionRequest(days=91))
    assert refused.status_code == 422
    assert isinstance(refused.parsed, ErrorEnvelope)
    assert refused.parsed.error.code == "VALIDATION_FAILED"
    missing = video_status.sync_detailed("vj_none", client=client)
    assert missing.status_code == 404
    assert isinstance(missing.parsed, ErrorEnvelope)
    assert missing.parsed.error.code == "NOT_FOUND"

    late = start(client, "late")
    start(client, "fourth")
    start(client, "fifth")
    pages = samples.list_jobs(client)
    assert [len(page) for page in pages] == [2, 2, 1]
    assert len({job.job_id for page in pages for job in page}) == 5, "a job was returned twice"

    assert samples.cancel(client, late).ok is True
    assert samples.status(client, late).state == "cancelled"
    assert samples.delete(client, late).ok is True
    assert samples.delete_all(client).deleted == 4
    return Tour(operations=len(called), errors=2, pages=len(pages), clip_bytes=clip_bytes)


def start(client: AuthenticatedClient, key: str) -> str:
    """Starts the job of a short, small clip."""
    body = GenerateRequest(
        prompt="a city", duration_seconds=0.2, aspect_ratio=AspectRatio.SQUARE, resolution="720p"
    )
    response = video_generate.sync(client=client, body=body, idempotency_key=f"python-{key}")
    assert isinstance(response, VideoJobEnvelope), response
    return response.data.job_id


def wait_for(client: AuthenticatedClient, base_url: str, job_id: str) -> None:
    for _ in range(1000):
        state = samples.status(client, job_id).state
        if state == "succeeded":
            return
        # An unknown state is not final.
        assert state not in ("failed", "cancelled"), state
        httpx.post(f"{base_url}/__sandbox/clock", json={"advance_seconds": 2}).raise_for_status()
    raise AssertionError(f"{job_id} does not finish")


def download(url: str) -> int:
    """Downloads a clip without the API key, and returns its length in bytes."""
    response = httpx.get(url)
    assert response.status_code == 200
    assert len(response.content) == int(response.headers["content-length"])
    assert response.content[4:8] == b"ftyp"
    return len(response.content)
