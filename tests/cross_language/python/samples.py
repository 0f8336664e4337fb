"""The Python samples of the document, between "sample" and "end". tour.py calls each of these functions."""

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
    response = video_generate.sync(client=client, body=body, idempotency_key="skyline-2026-11-20")
    if not isinstance(response, VideoJobEnvelope):
        raise RuntimeError(response)
    print(response.data.job_id, response.data.state)
    # end
    return response.data


def status(client: AuthenticatedClient, job_id: str) -> VideoJob:
    # sample: video_status
    from infrai_video_api_client.api.jobs import video_status
    from infrai_video_api_client.models import VideoJobEnvelope

    response = video_status.sync(job_id, client=client)
    if not isinstance(response, VideoJobEnvelope):
        raise RuntimeError(response)
    print(response.data.state)
    # end
    return response.data


def cancel(client: AuthenticatedClient, job_id: str) -> Acknowledgement:
    # sample: video_cancel
    from infrai_video_api_client.api.jobs import video_cancel
    from infrai_video_api_client.models import AcknowledgementEnvelope

    response = video_cancel.sync(job_id, client=client)
    if not isinstance(response, AcknowledgementEnvelope):
        raise RuntimeError(response)
    print(response.data.ok)
    # end
    return response.data


def get(client: AuthenticatedClient, job_id: str) -> VideoJobDetail:
    # sample: video_get
    from infrai_video_api_client.api.jobs import video_get
    from infrai_video_api_client.models import VideoJobDetailEnvelope

    response = video_get.sync(job_id, client=client)
    if not isinstance(response, VideoJobDetailEnvelope):
        raise RuntimeError(response)
    print(response.data.duration_seconds, response.data.resolution)
    # end
    return response.data


def list_jobs(client: AuthenticatedClient) -> list[list[VideoJob]]:
    pages: list[list[VideoJob]] = []
    # sample: video_list
    from infrai_video_api_client.api.jobs import video_list
    from infrai_video_api_client.models import VideoJobPageEnvelope
    from infrai_video_api_client.types import UNSET

    cursor = None
    while True:
        response = video_list.sync(client=client, limit=2, cursor=cursor or UNSET)
        if not isinstance(response, VideoJobPageEnvelope):
            raise RuntimeError(response)
        print([job.job_id for job in response.data.items or []])
        # skip
        pages.append(response.data.items or [])
        # unskip
        cursor = response.data.next_cursor
        if not cursor:
            break
    # end
    return pages


def delete(client: AuthenticatedClient, job_id: str) -> Acknowledgement:
    # sample: video_delete
    from infrai_video_api_client.api.clips import video_delete
    from infrai_video_api_client.models import AcknowledgementEnvelope

    response = video_delete.sync(job_id, client=client)
    if not isinstance(response, AcknowledgementEnvelope):
        raise RuntimeError(response)
    print(response.data.ok)
    # end
    return response.data


def delete_all(client: AuthenticatedClient) -> DeleteAllResult:
    # sample: video_delete_all
    from infrai_video_api_client.api.clips import video_delete_all
    from infrai_video_api_client.models import DeleteAllRequest, DeleteAllResultEnvelope

    response = video_delete_all.sync(client=client, body=DeleteAllRequest())
    if not isinstance(response, DeleteAllResultEnvelope):
        raise RuntimeError(response)
    print(response.data.deleted)
    # end
    return response.data


def download_url(client: AuthenticatedClient, job_id: str) -> DownloadLink:
    # sample: video_download_url
    from infrai_video_api_client.api.clips import video_download_url
    from infrai_video_api_client.models import DownloadLinkEnvelope

    response = video_download_url.sync(job_id, client=client)
    if not isinstance(response, DownloadLinkEnvelope):
        raise RuntimeError(response)
    print(response.data.url, response.data.expires_at)
    # end
    return response.data


def set_retention(client: AuthenticatedClient, job_id: str) -> Retention:
    # sample: video_set_retention
    from infrai_video_api_client.api.clips import video_set_retention
    from infrai_video_api_client.models import RetentionEnvelope, SetRetentionRequest

    response = video_set_retention.sync(job_id, client=client, body=SetRetentionRequest(days=30))
    if not isinstance(response, RetentionEnvelope):
        raise RuntimeError(response)
    print(response.data.expires_at)
    # end
    return response.data


def capabilities(client: AuthenticatedClient) -> VideoCapabilities:
    # sample: video_capabilities
    from infrai_video_api_client.api.vendors import video_capabilities
    from infrai_video_api_client.models import VideoCapabilitiesEnvelope

    response = video_capabilities.sync(client=client)
    if not isinstance(response, VideoCapabilitiesEnvelope):
        raise RuntimeError(response)
    print([vendor.vendor for vendor in response.data.vendors or []])
    # end
    return response.data
