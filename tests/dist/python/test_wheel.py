"""What a project does that has only installed the wheel. Run by `cargo xtask test --only dist`."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import socket
import stat
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path
from threading import Timer
from typing import Any, List, Optional
from urllib.parse import urlsplit

import infrai_video
import pytest

pytest_plugins = ["pytester"]

OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def call(session: infrai_video.Session, method: str, path: str, body: Optional[object] = None, key: str = "") -> Any:
    request = urllib.request.Request(
        session.base_url + path,
        method=method,
        data=None if body is None else json.dumps(body).encode(),
        headers={"Authorization": f"Bearer {session.api_key}", "Content-Type": "application/json"},
    )
    if key:
        request.add_header("Idempotency-Key", key)
    with OPENER.open(request, timeout=20) as response:
        return json.load(response)["data"]


def generate(session: infrai_video.Session, key: str = "key-1") -> str:
    """A client that retries once, under the same idempotency key."""
    body = {"prompt": "a city at dusk", "duration_seconds": 2}
    try:
        job = call(session, "POST", "/v1/video/generate", body, key)
    except OSError:
        job = call(session, "POST", "/v1/video/generate", body, key)
    return str(job["job_id"])


def state(session: infrai_video.Session, job_id: str) -> str:
    return str(call(session, "GET", f"/v1/video/status/{job_id}")["state"])


def test_a_lost_response_is_charged_once(infrai_sandbox: infrai_video.Session) -> None:
    infrai_sandbox.faults(operation="generate", nth=1, action="accept_then_drop")
    job_id = generate(infrai_sandbox)
    assert state(infrai_sandbox, job_id) == "queued"
    infrai_sandbox.advance(60)
    assert state(infrai_sandbox, job_id) == "succeeded"
    ledger = infrai_sandbox.ledger()
    charges = [entry for entry in ledger["entries"] if entry["kind"] == "charge"]
    assert [entry["job_id"] for entry in charges] == [job_id]
    assert ledger["double_charges"] == 0
    assert [rule["acted"] for rule in infrai_sandbox.faults()] == [1]
    assert [request["fault"] for request in infrai_sandbox.journal()][:2] == ["accept_then_drop", None]


def test_keys_of_one_sandbox_do_not_see_each_other(infrai_sandbox_server: infrai_video.Sandbox) -> None:
    one, other = infrai_sandbox_server.session(), infrai_sandbox_server.session()
    one.faults([{"operation": "generate", "action": "status", "status": 503}])
    job_id = generate(other)
    with pytest.raises(urllib.error.HTTPError, match="503"):
        generate(one)
    other.advance(60)
    assert [job["state"] for job in other.jobs()] == ["succeeded"]
    assert one.jobs() == [] and other.faults() == []
    assert len(other.ledger()["balances"]) == 1
    other.reset()
    assert other.jobs() == [] and other.journal() == []
    assert len(one.journal()) == 2, "the other's reset is not ours"
    assert one.faults([]) == []
    assert job_id != generate(one)


def test_each_test_begins_with_nothing(infrai_sandbox: infrai_video.Session) -> None:
    assert infrai_sandbox.jobs() == [] and infrai_sandbox.journal() == [] and infrai_sandbox.faults() == []


def test_a_wrong_rule_is_explained(infrai_sandbox: infrai_video.Session) -> None:
    with pytest.raises(infrai_video.SandboxError, match="422.*accept_then_drop"):
        infrai_sandbox.faults({"action": "accept_then_dro"})
    with pytest.raises(TypeError, match="not both"):
        infrai_sandbox.faults([{"action": "drop_before"}], operation="generate")


#: The settings of the project apply, and those of the module override them.
MODULE = """
import pytest
from test_wheel import generate, state

@pytest.fixture(scope="{scope}")
def infrai_sandbox_options():
    return {options}

@pytest.mark.parametrize("number", range(2))
def test_options(infrai_sandbox, infrai_sandbox_pool, number):
    assert infrai_sandbox.base_url == infrai_sandbox_pool(**{options}).base_url
    job_id = generate(infrai_sandbox)
    while {waits} and state(infrai_sandbox, job_id) != "succeeded":
        pass
    assert list(infrai_sandbox.ledger()["balances"].values()) == [{balance}]
"""


def test_each_module_may_have_other_options(pytester: pytest.Pytester) -> None:
    pytester.makeini("[pytest]\ninfrai_sandbox_args = --clock x600 --balance=7 --log-format json\n")
    pytester.makepyfile(
        test_one=MODULE.format(scope="session", options={}, waits=True, balance=6.96),
        test_two=MODULE.format(scope="session", options={"balance": 5}, waits=True, balance=4.96),
        test_three=MODULE.format(scope="function", options={"clock": "manual"}, waits=False, balance=6.96),
    )
    pytester.runpytest_inprocess("-q", "-p", "no:cacheprovider").assert_outcomes(passed=6)


def test_two_sandboxes_at_once_and_no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    # For another sandbox.
    monkeypatch.setenv("INFRAI_SANDBOX_ADMIN_TOKEN", "0123456789abcdef")
    with infrai_video.sandbox(balance=5, seed=3) as one, infrai_video.sandbox(clock="real") as other:
        assert one.base_url != other.base_url
        generate(one)
        assert len(one.jobs()) == 1 and other.jobs() == []
        assert list(one.ledger()["balances"].values()) == [4.96]
    with pytest.raises(infrai_video.SandboxError, match="does not respond"):
        one.jobs()


def test_a_sandbox_that_does_not_start_says_why() -> None:
    with pytest.raises(infrai_video.SandboxError, match="exit status 2.*--no-such-option"):
        infrai_video.sandbox(arguments=["--no-such-option"])
    with pytest.raises(infrai_video.SandboxError, match="instead of --port in arguments, use the argument port"):
        infrai_video.sandbox(arguments=["--port=8787"])


def test_a_port_and_an_admin_token_of_ones_own() -> None:
    with infrai_video.sandbox(admin_token="0123456789abcdef") as one:
        one.session().advance(60)
        with pytest.raises(infrai_video.SandboxError, match="401"):
            infrai_video.Session(one.base_url).jobs()
        port = urlsplit(one.base_url).port or 0
        with pytest.raises(infrai_video.SandboxError, match=f"{port}.*in use"):
            infrai_video.sandbox(port=port)


def test_a_sandbox_that_has_died_is_named_with_its_status() -> None:
    one = infrai_video.sandbox()
    assert one._process is not None
    one._process.kill()
    one._process.wait()
    with pytest.raises(infrai_video.SandboxError, match="does not respond: it has exited with status -9"):
        one.session().jobs()
    one.stop()


def test_a_sandbox_stops_while_a_call_hangs() -> None:
    with infrai_video.sandbox() as one:
        one.faults(operation="generate", action="hang")
        address = urlsplit(one.base_url)
        connection = socket.create_connection((str(address.hostname), address.port or 0), timeout=20)
        head = f"POST /v1/video/generate HTTP/1.1\r\nHost: {address.netloc}\r\nAuthorization: Bearer {one.api_key}\r\n"
        head += "Content-Type: application/json\r\nContent-Length: 15\r\n\r\n"
        connection.sendall(head.encode() + b'{"prompt": "a"}')
        while not one.journal():
            pass
    assert one._process is not None and one._process.returncode == 0, "it was not killed"
    connection.close()


def test_an_interrupted_start_leaves_no_sandbox(monkeypatch: pytest.MonkeyPatch) -> None:
    started: List[Any] = []

    class Interrupted(Timer):
        def start(self) -> None:
            started.append(getattr(self.function, "__self__"))
            raise KeyboardInterrupt

    monkeypatch.setattr("infrai_video._sandbox.Timer", Interrupted)
    with pytest.raises(KeyboardInterrupt):
        infrai_video.sandbox()
    assert [process.returncode for process in started] == [-signal.SIGKILL]


def test_the_environment_is_what_the_command_reads(infrai_sandbox: infrai_video.Session) -> None:
    environment = {"PATH": "", "INFRAI_LEDGER": "none", "INFRAI_CONFIG": "none", **infrai_sandbox.environment}
    for command in ([str(infrai_video.command())], [sys.executable, "-m", "infrai_video"]):
        listed = subprocess.run([*command, "list", "--json"], env=environment, capture_output=True, text=True)
        assert (listed.returncode, json.loads(listed.stdout)) == (0, {"items": []}), listed.stderr
    assert [request["operation"] for request in infrai_sandbox.journal()] == ["list", "list"]


def test_a_killed_test_run_leaves_no_sandbox(tmp_path: Path) -> None:
    script = tmp_path / "test_hangs.py"
    script.write_text("def test_hangs(infrai_sandbox):\n    print(infrai_sandbox.base_url, flush=True)\n    input()\n")
    run = subprocess.Popen(
        [sys.executable, "-m", "pytest", "-q", "-s", "-p", "no:cacheprovider", str(script)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert run.stdout is not None
    url = urlsplit(next(line.strip() for line in run.stdout if line.startswith("http://")))
    with socket.create_connection((str(url.hostname), url.port or 0), timeout=20) as connection:
        run.send_signal(signal.SIGKILL)
        run.communicate()
        # The sandbox closes its connections when it stops, or the system resets them.
        with contextlib.suppress(ConnectionResetError):
            assert connection.recv(1) == b""
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((str(url.hostname), url.port or 0), timeout=20)


def test_a_missing_command_is_explained(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = Path(infrai_video.__file__).parent
    shutil.copytree(package, tmp_path / "infrai_video")

    def error() -> str:
        alone = subprocess.run(
            [sys.executable, "-S", "-m", "infrai_video"], cwd=tmp_path, capture_output=True, text=True
        )
        assert alone.returncode == 1
        return alone.stderr

    # Without the scripts of this environment.
    code = (tmp_path / "infrai_video/_command.py").read_text()
    (tmp_path / "infrai_video/_command.py").write_text(code.replace('get_path("scripts")', 'get_path("data")'))
    assert "the command infrai-video is missing on Linux" in error() and "Windows on x86_64" in error()
    program = tmp_path / "bin/infrai-video"
    program.parent.mkdir()
    program.touch()
    assert f"{program} is not executable" in error()
    monkeypatch.setenv("INFRAI_VIDEO_COMMAND", str(program))
    assert f"INFRAI_VIDEO_COMMAND is {program}: it must be the path of the command" in error()
    program.chmod(0o755)
    program.write_bytes(b"\x7fELF")
    assert f"{program} cannot be started: Exec format error" in error()
    with pytest.raises(infrai_video.CommandNotFound, match="cannot be started: Exec format error.*must be the path"):
        infrai_video.sandbox()


def test_the_command_is_that_of_the_wheel() -> None:
    command = infrai_video.command()
    assert command == Path(sys.prefix).resolve() / "bin/infrai-video"
    assert command.stat().st_mode & stat.S_IXUSR
    assert shutil.which("cargo") is None, "the tests run without Rust"
    assert "INFRAI_VIDEO_COMMAND" not in os.environ
