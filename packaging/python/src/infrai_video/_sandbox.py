"""A sandbox in a process of its own, and sessions in it."""

from __future__ import annotations

import os
import secrets
import subprocess
import tempfile
from threading import Timer
from types import TracebackType
from typing import Any, Dict, Iterable, List, Optional, Sequence, Type, Union, cast

from . import _admin
from ._admin import SandboxError
from ._command import command, not_a_program
from ._types import Fault, FaultRecord, Job, Ledger, Request

__all__ = ["Sandbox", "SandboxError", "Session", "sandbox"]


class Session:
    """An API key of its own in a running sandbox. Every method concerns the account of this key alone."""

    #: The sandbox, if this process has started it.
    _process: "Optional[subprocess.Popen[bytes]]" = None

    def __init__(self, base_url: str, admin_token: Optional[str] = None) -> None:
        #: The base URL of the API.
        self.base_url = base_url
        #: A new key. Its account exists from its first call on, with the credit that every account starts with.
        self.api_key = "ifr_pk_" + secrets.token_hex(16)
        self._admin_token = admin_token

    @property
    def environment(self) -> Dict[str, str]:
        """The variables that the command ``infrai-video`` and the SDKs read."""
        return {"INFRAI_BASE_URL": self.base_url, "INFRAI_API_KEY": self.api_key}

    def faults(self, rules: Union[Fault, Iterable[Fault], None] = None, **rule: Any) -> List[FaultRecord]:
        """Replaces the fault rules, and returns them with their counts.

        ``faults(operation="generate", nth=1, action="drop_before")`` sets one rule, and so does a dictionary;
        ``faults([rule, rule])`` sets several, ``faults([])`` none. ``faults()`` only returns them.
        """
        if rules is None and not rule:
            return cast("List[FaultRecord]", self._call("GET", "faults")["faults"])
        if rules is not None and rule:
            raise TypeError("faults() takes rules or the keywords of one rule, not both")
        if rules is None or isinstance(rules, dict):
            rules = [cast(Fault, rules or rule)]
        return cast("List[FaultRecord]", self._call("PUT", "faults", {"fault": list(rules)})["faults"])

    def advance(self, seconds: float) -> str:
        """Advances the clock, and returns its time."""
        return cast(str, self._call("POST", "clock", {"advance_seconds": seconds})["now"])

    def ledger(self) -> Ledger:
        """The balance, every charge and refund, and the number of double charges.

        Until the first call of the key there is no account, and ``balances`` is empty.
        """
        return cast(Ledger, self._call("GET", "ledger"))

    def journal(self) -> List[Request]:
        """Every request, in the order of arrival."""
        return cast("List[Request]", self._call("GET", "journal")["requests"])

    def jobs(self) -> List[Job]:
        """Every job."""
        return cast("List[Job]", self._call("GET", "jobs")["jobs"])

    def reset(self) -> None:
        """Deletes jobs, money and journal, sets the clock back, and restarts the counts of the rules."""
        self._call("POST", "reset")

    def _call(self, method: str, path: str, body: Optional[object] = None) -> Any:
        try:
            return _admin.call(self.base_url, self._admin_token, self.api_key, method, path, body)
        except OSError as error:
            status = self._process and self._process.poll()
            problem = error if status is None else f"it has exited with status {status}"
            raise SandboxError(f"the sandbox at {self.base_url} does not respond: {problem}") from error


class Sandbox(Session):
    """A running sandbox, which stops at the end of a ``with`` statement, by ``stop()``, or with this process."""

    def __init__(self, arguments: Sequence[str], admin_token: Optional[str], start_timeout: float) -> None:
        # A token or a base URL for another sandbox does not concern this one.
        environment = {name: value for name, value in os.environ.items() if not name.startswith("INFRAI_")}
        if admin_token is not None:
            environment["INFRAI_SANDBOX_ADMIN_TOKEN"] = admin_token
        program = str(command())
        # It is read only if the sandbox does not start. A pipe could fill up.
        with tempfile.TemporaryFile() as messages:
            try:
                self._process = subprocess.Popen(
                    [program, "sandbox", f"--exit-with-parent={os.getpid()}", "-q", *arguments],
                    # Its end tells the sandbox that this process is gone.
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=messages,
                    env=environment,
                )
            except OSError as error:
                raise not_a_program(program, error) from error
            line = self._first_line(start_timeout)
            if not line.startswith("http://"):
                self.stop()
                messages.seek(0)
                said = messages.read().decode(errors="replace").strip()
                status = self._process.returncode
                raise SandboxError(f"the sandbox did not start (exit status {status}): {said or line or 'no message'}")
        super().__init__(line, admin_token)

    def _first_line(self, timeout: float) -> str:
        """The first line of the process, which is killed if that takes too long or is interrupted."""
        assert self._process is not None and self._process.stdout is not None
        timer = Timer(timeout, self._process.kill)
        timer.daemon = True
        try:
            timer.start()
            return self._process.stdout.readline().decode().strip()
        except BaseException:
            self._process.kill()
            self.stop()
            raise
        finally:
            timer.cancel()

    def session(self) -> Session:
        """Another API key of this sandbox, for a test that must not disturb others."""
        session = Session(self.base_url, self._admin_token)
        session._process = self._process
        return session

    def stop(self) -> None:
        """Stops the sandbox. A second call does nothing."""
        process = self._process
        assert process is not None and process.stdin is not None and process.stdout is not None
        # The sandbox stops at this, even while requests hang.
        process.stdin.close()
        try:
            process.wait(2)
        except subprocess.TimeoutExpired:
            # A process that was forked from this one still has the pipe.
            process.kill()
            process.wait()
        process.stdout.close()

    def __enter__(self) -> Sandbox:
        return self

    def __exit__(
        self,
        kind: Optional[Type[BaseException]],
        error: Optional[BaseException],
        traceback: Optional[TracebackType],
    ) -> None:
        self.stop()


def sandbox(
    *,
    clock: str = "manual",
    balance: Optional[float] = None,
    seed: Optional[int] = None,
    scenario: Union[str, "os.PathLike[str]", None] = None,
    port: int = 0,
    admin_token: Optional[str] = None,
    arguments: Sequence[str] = (),
    start_timeout: float = 30.0,
) -> Sandbox:
    """Starts a sandbox: ``with infrai_video.sandbox() as sandbox: ...``.

    clock: ``manual`` stands still until ``advance()``; ``real``; or a factor such as ``x60``.
    balance: the credit that each API key starts with, in US dollars.
    seed: determines ids, links and pictures.
    scenario: the name of a scenario, or its file.
    port: the port of the API; 0 is a free one.
    admin_token: what calls of the admin API must send, at least 16 characters; the methods of this class send it.
    arguments: further options of ``infrai-video sandbox``.
    start_timeout: how long it may take to start, in seconds.
    """
    options = {"clock": clock, "balance": balance, "seed": seed, "scenario": scenario, "port": port}
    own = {f"--{name}": f"the argument {name}" for name in options}
    own.update({"--admin-token": "the argument admin_token", "--exit-with-parent": "nothing; it is always set"})
    for argument in arguments:
        name = argument.split("=")[0]
        if name in own:
            raise SandboxError(f"instead of {name} in arguments, use {own[name]}")
    given = [f"--{name}={value}" for name, value in options.items() if value is not None]
    return Sandbox([*given, *arguments], admin_token, start_timeout)
