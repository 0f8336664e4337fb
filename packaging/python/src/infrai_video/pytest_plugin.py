"""The pytest fixtures: ``infrai_sandbox``, and those behind it."""

from __future__ import annotations

import argparse
from contextlib import ExitStack
from typing import Any, Callable, Dict, Iterator

import pytest

from ._sandbox import Sandbox, Session, sandbox

#: Those of the ini option that are arguments of ``sandbox()``.
_OPTIONS = ("clock", "balance", "seed", "scenario", "port", "admin-token")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addini(
        "infrai_sandbox_args",
        "Options of `infrai-video sandbox`, such as --clock x60; the clock is manual by default.",
        type="args",
        default=[],
    )


@pytest.fixture(scope="session")
def infrai_sandbox_pool(pytestconfig: pytest.Config) -> Iterator[Callable[..., Sandbox]]:
    """The sandboxes of this session, or of this worker of pytest-xdist: ``infrai_sandbox_pool(balance=5)``.

    It takes the arguments of ``infrai_video.sandbox()``, which have precedence over those of the project. There is one
    sandbox for the same arguments.
    """
    parser = argparse.ArgumentParser("infrai_sandbox_args", add_help=False, allow_abbrev=False)
    for name in _OPTIONS:
        parser.add_argument(f"--{name}", default=argparse.SUPPRESS)
    project, more = parser.parse_known_args(pytestconfig.getini("infrai_sandbox_args"))
    servers: Dict[str, Sandbox] = {}
    with ExitStack() as running:

        def server(**options: Any) -> Sandbox:
            options = {**vars(project), **options, "arguments": [*more, *options.get("arguments", ())]}
            key = repr(sorted(options.items()))
            if key not in servers:
                servers[key] = running.enter_context(sandbox(**options))
            return servers[key]

        yield server


@pytest.fixture(scope="session")
def infrai_sandbox_options() -> Dict[str, Any]:
    """The arguments of ``infrai_video.sandbox()``. An override may have any scope, and be in a module or a class."""
    return {}


@pytest.fixture
def infrai_sandbox_server(
    infrai_sandbox_pool: Callable[..., Sandbox], infrai_sandbox_options: Dict[str, Any]
) -> Sandbox:
    """The sandbox with these options. It runs until the end of the session."""
    return infrai_sandbox_pool(**infrai_sandbox_options)


@pytest.fixture
def infrai_sandbox(infrai_sandbox_server: Sandbox) -> Session:
    """An API key of its own for each test, in one sandbox: tests do not see each other's jobs, money, faults or clock."""
    return infrai_sandbox_server.session()
