"""openapi-python-client's client: `client.py BASE_URL ID WARM_UP MEASURED IN_FLIGHT`."""

import asyncio
import json
import sys
import time

import httpx
from infrai_video_api_client import AuthenticatedClient
from infrai_video_api_client.api.jobs import video_status
from infrai_video_api_client.models import VideoJob, VideoJobEnvelope


def main(base_url: str, job_id: str, warm_up: int, measured: int, in_flight: int) -> None:
    limits = httpx.Limits(max_connections=in_flight, max_keepalive_connections=in_flight)
    # Without this it looks for a proxy; nothing of the environment is wanted here.
    settings = {"limits": limits, "trust_env": False}
    client = AuthenticatedClient(base_url=base_url, token="ifr_pk_bench", httpx_args=settings)
    if in_flight == 1:
        # Its synchronous form, which is the faster one for calls one after another.
        last = in_turn(client, job_id, warm_up)
        start = clocks()
        last = in_turn(client, job_id, measured)
        report(start, clocks(), last)
    else:
        asyncio.run(at_a_time(client, job_id, warm_up, measured, in_flight))


def in_turn(client: AuthenticatedClient, job_id: str, count: int) -> VideoJob:
    for _ in range(count):
        job = checked(video_status.sync(job_id, client=client))
    return job


async def at_a_time(
    client: AuthenticatedClient, job_id: str, warm_up: int, measured: int, in_flight: int
) -> None:
    async def lane(count: int) -> VideoJob:
        for _ in range(count):
            job = checked(await video_status.asyncio(job_id, client=client))
        return job

    async def several(count: int) -> VideoJob:
        jobs = await asyncio.gather(*(lane(count // in_flight) for _ in range(in_flight)))
        return jobs[-1]

    await several(warm_up)
    start = clocks()
    last = await several(measured)
    report(start, clocks(), last)


def checked(response: object) -> VideoJob:
    if not isinstance(response, VideoJobEnvelope):
        raise RuntimeError(response)
    return response.data


def clocks() -> tuple[float, float]:
    return time.perf_counter(), time.process_time()


def report(start: tuple[float, float], end: tuple[float, float], last: VideoJob) -> None:
    took = {"wall_s": end[0] - start[0], "cpu_s": end[1] - start[1]}
    print(json.dumps(took | {"result": last.to_dict()}))


main(sys.argv[1], sys.argv[2], *map(int, sys.argv[3:6]))
