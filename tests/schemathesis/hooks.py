"""What a valid request must be beyond what a schema can say.

Schemathesis draws each part of a request by itself. Some rules of the contract tie parts together, or tie them to what the
service said before, and JSON Schema has no words for them. A valid request is made to keep them, so that the sandbox may be asked to accept every valid request; an invalid one is
left as it was drawn.
"""

import schemathesis

CURSORS = set()
# What some vendor of the sandbox makes, in every combination, and quickly.
RESOLUTIONS = ["720p", "1080p", "4k"]
LONGEST = 1


@schemathesis.hook
def filter_case(context, case):
    # The sandbox takes null for no body where the body may be left out, and no schema of the body can say so.
    may_be_left_out = not any(body.is_required for body in case.operation.body)
    return not (case.body is None and may_be_left_out)


@schemathesis.hook
def before_call(context, case, kwargs):
    if case.meta is not None and case.meta.generation.mode.is_negative:
        return
    # A cursor is opaque: only those that a page gave are valid.
    cursor = (case.query or {}).get("cursor")
    if cursor is not None and cursor not in CURSORS:
        del case.query["cursor"]
    if not isinstance(case.body, dict):
        return
    # What can be made of what the schema allows, the capabilities say.
    if "resolution" in case.body and case.body["resolution"] not in RESOLUTIONS:
        case.body["resolution"] = RESOLUTIONS[0]
    if "duration_seconds" in case.body:
        case.body["duration_seconds"] = min(case.body["duration_seconds"], LONGEST)
    # The same thing said in two places must be the same.
    if "aspect" in case.body and "aspect_ratio" in case.body:
        case.body["aspect_ratio"] = case.body["aspect"]
    if "job_id" in case.body:
        case.body["job_id"] = case.path_parameters["id"]
    header = (case.headers or {}).get("Idempotency-Key")
    if "idempotency_key" in case.body and header is not None:
        case.body["idempotency_key"] = header


@schemathesis.hook
def after_call(context, case, response):
    if case.path == "/v1/video/list" and response.status_code == 200:
        cursor = response.json()["data"].get("next_cursor")
        if cursor:
            CURSORS.add(cursor)
