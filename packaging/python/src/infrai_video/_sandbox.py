"""A sandbox in a process of its own, and sessions in it."""

from __future__ import annotations

import os
import secrets
import subprocess
import tempfile
from threading import Timer
from types import TracebackType
from typing import Any, Dict, Iterable, List, Mapping, Optional, Sequence, Type, Union, cast

from . import _admin
from ._admin import SandboxError
from ._command import command
from ._types import Fault, FaultRecord, Job, Ledger, Request

__all__ = ["Sandbox", "SandboxError", "Session", "sandbox"]


class Session:
    """An API key of its own in a running sandbox. Every method concerns the account of this key alone."""

    def __init__(self, base_url: str) -> None:
        #: The base URL of the API.
        self.base_url = base_url
        #: A new key, whose account has the credit that every account starts with.
        self.api_key = "ifr_pk_" + secrets.token_hex(16)

    @property
    def environment(self) -> Dict[str, str]:
        """The variables that the command ``infrai-video`` and the SDKs read."""
        return {"INFRAI_BASE_URL": self.base_url, "INFRAI_API_KEY": self.api_key}

    def faults(self, rules: Optional[Iterable[Fault]] = None, **rule: Any) -> List[FaultRecord]:
        """Replaces the fault rules, and returns them with their counts.

        ``faults(operation="generate", nth=1, action="drop_before")`` sets one rule, ``faults([rule, rule])`` sets several,
        ``faults([])`` none. ``faults()`` only returns them.
        """
        if rules is None and not rule:
            return cast("List[FaultRecord]", self._call("GET", "faults")["faults"])
        all_rules = [*(rules or ()), *([cast(Fault, rule)] if rule else [])]
        return cast("List[FaultRecord]", self._call("PUT", "faults", {"fault": all_rules})["faults"])

    def advance(self, seconds: float) -> str:
        """Advances the clock, and returns its time."""
        return cast(str, self._call("POST", "clock", {"advance_seconds": seconds})["now"])

    def ledger(self) -> Ledger:
        """The balance, every charge and refund, and the number of double charges."""
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
        return _admin.call(self.base_url, self.api_key, method, path, body)


class Sandbox(Session):
    """A running sandbox, which stops at the end of a ``with`` statement, by ``stop()``, or with this process."""

    def __init__(self, arguments: Sequence[str], start_timeout: float) -> None:
        # It is read only if the sandbox does not start. A pipe could fill up.
        with tempfile.TemporaryFile() as messages:
            self._process = subprocess.Popen(
                [
                    *(str(command()), "sandbox", "--port", "0", "--file-port", "0", "-q"),
                    f"--exit-with-parent={os.getpid()}",
                    *arguments,
                ],
                # Its end tells the sandbox that this process is gone.
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=messages,
                # A token or a base URL for another sandbox does not concern this one.
                env={name: value for name, value in os.environ.items() if not name.startswith("INFRAI_")},
            )
            assert self._process.stdout is not None
            timer = Timer(start_timeout, self._process.kill)
            timer.start()
            line = self._process.stdout.readline().decode().strip()
            timer.cancel()
            if not line.startswith("http://"):
                self.stop()
                messages.seek(0)
                said = messages.read().decode(errors="replace").strip()
                status = self._process.returncode
                raise SandboxError(f"the sandbox did not start (exit status {status}): {said or line or 'no message'}")
        super().__init__(line)

    def session(self) -> Session:
        """Another API key of this sandbox, for a test that must not disturb others."""
        return Session(self.base_url)

    def stop(self) -> None:
        """Stops the sandbox. A second call does nothing."""
        process = self._process
        process.terminate()
        try:
            process.wait(2)
        except subprocess.TimeoutExpired:
            # A request hangs, as a rule may have asked for.
            process.kill()
            process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                pipe.close()

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
    clock: Optional[str] = "manual",
    balance: Optional[float] = None,
    seed: Optional[int] = None,
    scenario: Union[str, "os.PathLike[str]", None] = None,
    arguments: Sequence[str] = (),
    start_timeout: float = 30.0,
) -> Sandbox:
    """Starts a sandbox on free ports: ``with infrai_video.sandbox() as sandbox: ...``.

    clock: ``manual`` stands still until ``advance()``; ``real``; or a factor such as ``x60``.
    balance: the credit that each API key starts with, in US dollars.
    seed: determines ids, links and pictures.
    scenario: the name of a scenario, or its file.
    arguments: further options of ``infrai-video sandbox``.
    start_timeout: how long it may take to start, in seconds.
    """
    options: Mapping[str, object] = {"--clock": clock, "--balance": balance, "--seed": seed, "--scenario": scenario}
    given = [f"{name}={value}" for name, value in options.items() if value is not None]
    return Sandbox([*given, *arguments], start_timeout)
