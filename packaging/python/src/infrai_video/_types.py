"""What the admin API of a sandbox takes and returns."""

from __future__ import annotations

from typing import Dict, List, Optional, Tuple, TypedDict, Union


class DateIn(TypedDict):
    """A date in a ``Retry-After`` header, so many seconds from now on the sandbox's clock."""

    date_in: int


RetryAfter = Union[int, str, DateIn]


class Fault(TypedDict, total=False):
    """A rule: which calls it matches, and what it does to them. ``action`` is required."""

    action: str
    operation: str
    job: Union[int, str]
    nth: int
    count: int
    probability: float
    from_seconds: float
    until_seconds: float
    sooner_than_seconds: float
    account: str
    # Parameters of actions.
    accepted: bool
    after_bytes: int
    chunk_bytes: int
    code: str
    hide_length: bool
    location: str
    message: str
    retry_after: RetryAfter
    seconds: float
    state: str
    states: Dict[str, str]
    status: int


class FaultRecord(Fault):
    """A rule, how many calls it has matched, and how many of them it has acted on."""

    matched: int
    acted: int


class LedgerEntry(TypedDict):
    """A movement of money: negative for a charge."""

    account: str
    #: opening, charge, refund or topup
    kind: str
    amount_usd: float
    job_id: Optional[str]
    idempotency_key: Optional[str]
    at: str
    response_lost: bool


class Ledger(TypedDict):
    """The money of the account."""

    balances: Dict[str, float]
    entries: List[LedgerEntry]
    double_charges: int


class Request(TypedDict):
    """A request that the sandbox has received, without secrets."""

    sequence: int
    at: str
    #: api or files
    host: str
    method: str
    path: str
    query: Optional[str]
    headers: List[Tuple[str, str]]
    authorization: bool
    body: Optional[str]
    operation: Optional[str]
    account: Optional[str]
    job_id: Optional[str]
    status: Optional[int]
    cost_usd: Optional[float]
    fault: Optional[str]
    request_id: str


class Job(TypedDict):
    """A job, as the sandbox sees it."""

    job_id: str
    number: int
    account: str
    request_id: str
    state: str
    prompt: str
    duration_seconds: float
    aspect_ratio: str
    resolution: str
    vendor: str
    model: str
    cost_usd: float
    idempotency_key: Optional[str]
    created_at: str
    starts_at: str
    ends_at: str
    expires_at: str
