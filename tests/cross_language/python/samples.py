"""What the document shows for Python, between "sample" and "end"; tour.py calls each of these functions."""

from infrai_video_api_client import AuthenticatedClient
from infrai_video_api_client.models import (
    Acknowledgement,
    DeleteAllResult,
    DownloadLink,
    Retention,
    VideoCapabilities,
    VideoJob,
    VideoJobDetail,
)


def connect(base_url: str, api_key: str) -> AuthenticatedClient:
    # sample: client
    from infrai_video_api_client import AuthenticatedClient

    client = AuthenticatedClient(base_url=base_url, token=api_key)
    # end
    return client


def generate(client: AuthenticatedClient) -> VideoJob:
    # sample: video_generate
    from infrai_video_api_client.api.jobs import video_generate
    from infrai_video_api_client.models import GenerateRequest, VideoJobEnvelope

    prompt = "a timelapse of a city skyline at dusk"
    body = GenerateRequest(prompt=prompt, duration_seconds=5, resolution="1080p")
    answer = video_generate.sync(client=client, body=body, idempotency_key="skyline-2026-11-20")
    if not isinstance(answer, VideoJobEnvelope):
        raise RuntimeError(answer)
    print(answer.data.job_id, answer.data.state)
    # end
    return answer.data


def status(client: AuthenticatedClient, job_id: str) -> VideoJob:
    # sample: video_status
    from infrai_video_api_client.api.jobs import video_status
    from infrai_video_api_client.models import VideoJobEnvelope

    answer = video_status.sync(job_id, client=client)
    if not isinstance(answer, VideoJobEnvelope):
        raise RuntimeError(answer)
    print(answer.data.state)
    # end
    return answer.data


def cancel(client: AuthenticatedClient, job_id: str) -> Acknowledgement:
    # sample: video_cancel
    from infrai_video_api_client.api.jobs import video_cancel
    from infrai_video_api_client.models import AcknowledgementEnvelope

    answer = video_cancel.sync(job_id, client=client)
    if not isinstance(answer, AcknowledgementEnvelope):
        raise RuntimeError(answer)
    print(answer.data.ok)
    # end
    return answer.data


def get(client: AuthenticatedClient, job_id: str) -> VideoJobDetail:
    # sample: video_get
    from infrai_video_api_client.api.jobs import video_get
    from infrai_video_api_client.models import VideoJobDetailEnvelope

    answer = video_get.sync(job_id, client=client)
    if not isinstance(answer, VideoJobDetailEnvelope):
        raise RuntimeError(answer)
    print(answer.data.duration_seconds, answer.data.resolution)
    # end
    return answer.data


def list_jobs(client: AuthenticatedClient) -> list[list[VideoJob]]:
    pages: list[list[VideoJob]] = []
    # sample: video_list
    from infrai_video_api_client.api.jobs import video_list
    from infrai_video_api_client.models import VideoJobPageEnvelope
    from infrai_video_api_client.types import UNSET

    cursor = None
    while True:
        answer = video_list.sync(client=client, limit=2, cursor=cursor or UNSET)
        if not isinstance(answer, VideoJobPageEnvelope):
            raise RuntimeError(answer)
        print([job.job_id for job in answer.data.items or []])
        # skip
        pages.append(answer.data.items or [])
        # unskip
        cursor = answer.data.next_cursor
        if not cursor:
            break
    # end
    return pages


def delete(client: AuthenticatedClient, job_id: str) -> Acknowledgement:
    # sample: video_delete
    from infrai_video_api_client.api.clips import video_delete
    from infrai_video_api_client.models import AcknowledgementEnvelope

    answer = video_delete.sync(job_id, client=client)
    if not isinstance(answer, AcknowledgementEnvelope):
        raise RuntimeError(answer)
    print(answer.data.ok)
    # end
    return answer.data


def delete_all(client: AuthenticatedClient) -> DeleteAllResult:
    # sample: video_delete_all
    from infrai_video_api_client.api.clips import video_delete_all
    from infrai_video_api_client.models import DeleteAllRequest, DeleteAllResultEnvelope

    answer = video_delete_all.sync(client=client, body=DeleteAllRequest())
    if not isinstance(answer, DeleteAllResultEnvelope):
        raise RuntimeError(answer)
    print(answer.data.deleted)
    # end
    return answer.data


def download_url(client: AuthenticatedClient, job_id: str) -> DownloadLink:
    # sample: video_download_url
    from infrai_video_api_client.api.clips import video_download_url
    from infrai_video_api_client.models import DownloadLinkEnvelope

    answer = video_download_url.sync(job_id, client=client)
    if not isinstance(answer, DownloadLinkEnvelope):
        raise RuntimeError(answer)
    print(answer.data.url, answer.data.expires_at)
    # end
    return answer.data


def set_retention(client: AuthenticatedClient, job_id: str) -> Retention:
    # sample: video_set_retention
    from infrai_video_api_client.api.clips import video_set_retention
    from infrai_video_api_client.models import RetentionEnvelope, SetRetentionRequest

    answer = video_set_retention.sync(job_id, client=client, body=SetRetentionRequest(days=30))
    if not isinstance(answer, RetentionEnvelope):
        raise RuntimeError(answer)
    print(answer.data.expires_at)
    # end
    return answer.data


def capabilities(client: AuthenticatedClient) -> VideoCapabilities:
    # sample: video_capabilities
    from infrai_video_api_client.api.vendors import video_capabilities
    from infrai_video_api_client.models import VideoCapabilitiesEnvelope

    answer = video_capabilities.sync(client=client)
    if not isinstance(answer, VideoCapabilitiesEnvelope):
        raise RuntimeError(answer)
    print([vendor.vendor for vendor in answer.data.vendors or []])
    # end
    return answer.data
