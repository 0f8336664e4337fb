"""A local Infrai Video API for tests: ``with infrai_video.sandbox() as sandbox: ...``."""

from ._command import CommandNotFound, command
from ._sandbox import Sandbox, SandboxError, Session, sandbox
from ._types import Fault, FaultRecord, Job, Ledger, LedgerEntry, Request, RetryAfter

__all__ = [
    "CommandNotFound",
    "Fault",
    "FaultRecord",
    "Job",
    "Ledger",
    "LedgerEntry",
    "Request",
    "RetryAfter",
    "Sandbox",
    "SandboxError",
    "Session",
    "command",
    "sandbox",
]
