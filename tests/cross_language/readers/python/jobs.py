"""Starts a job and lists the account's jobs with each client. The test finds the idempotency keys in the sandbox's journal."""

import os
from urllib.request import Request, urlopen

import collapsed
import models
from openapi_client import ApiClient, Configuration, GenerateRequest, JobsApi

BASE_URL = os.environ["INFRAI_BASE_URL"]


def with_openapi_generator(api_key: str, key: str) -> None:
    with ApiClient(Configuration(host=BASE_URL, access_token=api_key)) as client:
        jobs = JobsApi(client)
        body = GenerateRequest(prompt="a city", resolution="720p")
        job = jobs.video_generate(body, idempotency_key=key).data
        assert job.state == "queued"
        listed = jobs.video_list(limit=10).data.items or []
        assert [item.job_id for item in listed] == [job.job_id]


def with_datamodel_code_generator(api_key: str, key: str) -> None:
    def call(path: str, body: collapsed.GenerateRequest | None = None) -> str:
        headers = {"Authorization": f"Bearer {api_key}", "Content-Type": "application/json", "Idempotency-Key": key}
        data = body.model_dump_json(exclude_none=True).encode() if body else None
        with urlopen(Request(BASE_URL + path, data, headers)) as response:
            return str(response.read(), "utf-8")

    response = call("/v1/video/generate", collapsed.GenerateRequest(prompt="a city", resolution="720p"))
    job = collapsed.VideoJobEnvelope.model_validate_json(response).data
    assert job.state == "queued"
    page = collapsed.VideoJobPageEnvelope.model_validate_json(call("/v1/video/list?limit=10")).data
    assert [item.job_id for item in page.items or []] == [job.job_id]

    # Without --collapse-root-models a state is an object, which equals no string.
    state: object = models.VideoJobEnvelope.model_validate_json(response).data.state
    assert state != "queued"
    assert state == models.JobState(root="queued")


clients = {
    "openapi-generator": with_openapi_generator,
    "datamodel-code-generator": with_datamodel_code_generator,
}
for name, start in clients.items():
    start(f"ifr_pk_{name}", f"key-of-{name}")
    print(name)
