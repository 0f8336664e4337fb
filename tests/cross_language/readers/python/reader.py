"""Reads the body of each case in CASES with the generated classes, and writes what each client holds then into READ."""

import json
import os
from pathlib import Path

import models
import openapi_client.models
from openapi_client import ApiClient

cases = json.loads(Path(os.environ["CASES"]).read_text())
client = ApiClient()
read: dict[str, list[object]] = {"openapi-generator": [], "datamodel-code-generator": []}
for case in cases:
    text = json.dumps(case["body"])
    body = client.deserialize(text, case["schema"], "application/json")
    assert isinstance(body, getattr(openapi_client.models, case["schema"]))
    read["openapi-generator"].append(client.sanitize_for_serialization(body))
    model = getattr(models, case["schema"]).model_validate_json(text)
    read["datamodel-code-generator"].append(model.model_dump(mode="json"))
Path(os.environ["READ"]).write_text(json.dumps(read))
