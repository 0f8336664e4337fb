"""The pytest fixtures: ``infrai_sandbox``, and those behind it."""

from __future__ import annotations

from typing import Any, Dict, Iterator

import pytest

from ._sandbox import Sandbox, Session, sandbox


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addini(
        "infrai_sandbox_args",
        "Options of `infrai-video sandbox`, such as --clock x60; the clock is manual by default.",
        type="args",
        default=[],
    )


@pytest.fixture(scope="session")
def infrai_sandbox_options() -> Dict[str, Any]:
    """The options of ``infrai_video.sandbox()``. Override it to start the sandbox with others."""
    return {}


@pytest.fixture(scope="session")
def infrai_sandbox_server(
    pytestconfig: pytest.Config, infrai_sandbox_options: Dict[str, Any]
) -> Iterator[Sandbox]:
    """The sandbox of this session, or of this worker of pytest-xdist."""
    options = dict(infrai_sandbox_options)
    options["arguments"] = [*pytestconfig.getini("infrai_sandbox_args"), *options.get("arguments", ())]
    if any(argument.split("=")[0] == "--clock" for argument in options["arguments"]):
        options.setdefault("clock", None)
    with sandbox(**options) as server:
        yield server


@pytest.fixture
def infrai_sandbox(infrai_sandbox_server: Sandbox) -> Session:
    """An API key of its own for each test, in one sandbox: tests do not see each other's jobs, money, faults or clock."""
    return infrai_sandbox_server.session()
