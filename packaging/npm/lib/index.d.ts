/** The command `infrai-video` of this package, or the one whose path is in the variable `INFRAI_VIDEO_COMMAND`. */
export function command(): string

/** There is no command that runs here; `command` and `startSandbox` throw it. */
export class CommandNotFound extends Error {}

/** Starts a sandbox. It stops by `stop()`, at the end of an `await using` block, or with this process. */
export function startSandbox(options?: SandboxOptions): Promise<Sandbox>

export interface SandboxOptions {
  /** `manual` stands still until `advance()`; `real`; or a factor such as `x60`. The default is `manual`. */
  clock?: string
  /** The credit that each API key starts with, in US dollars. */
  balance?: number
  /** Determines ids, links and pictures. */
  seed?: number
  /** The name of a scenario, or its file. */
  scenario?: string
  /** The port of the API. The default, 0, is a free one. */
  port?: number
  /** What calls of the admin API must send, at least 16 characters; the methods of the sandbox send it. */
  adminToken?: string
  /** Further options of `infrai-video sandbox`. */
  arguments?: readonly string[]
  /** How long it may take to start, in milliseconds. The default is 30,000. */
  startTimeout?: number
}

/** The sandbox could not be started, or rejected a call of the admin API. */
export class SandboxError extends Error {}

/** An API key of its own in a running sandbox. Every method concerns the account of this key alone. */
export class Session {
  protected constructor(baseUrl: string)
  /** The base URL of the API. */
  readonly baseUrl: string
  /** A new key. Its account exists from its first call on, with the credit that every account starts with. */
  readonly apiKey: string
  /** The variables that the command `infrai-video` and the SDKs read. */
  readonly environment: { INFRAI_BASE_URL: string; INFRAI_API_KEY: string }
  /** Replaces the fault rules, and returns them with their counts. Without `rules` it only returns them. */
  faults(rules?: Fault | readonly Fault[]): Promise<FaultRecord[]>
  /** Advances the clock, and returns its time. */
  advance(seconds: number): Promise<string>
  /**
   * The balance, every charge and refund, and the number of double charges. Until the first call of the key there is no
   * account, and `balances` is empty.
   */
  ledger(): Promise<Ledger>
  /** Every request, in the order of arrival. */
  journal(): Promise<Request[]>
  /** Every job. */
  jobs(): Promise<Job[]>
  /** Deletes jobs, money and journal, sets the clock back, and restarts the counts of the rules. */
  reset(): Promise<void>
}

/** A running sandbox. */
export class Sandbox extends Session {
  private constructor(baseUrl: string, adminToken: never, child: never)
  /** Another API key of this sandbox, for a test that must not disturb others. */
  session(): Session
  /** Stops the sandbox. A second call does nothing. */
  stop(): Promise<void>
  [Symbol.asyncDispose](): Promise<void>
}

/** A `Retry-After` header: seconds, a date so many seconds from now, or any text. */
export type RetryAfter = number | string | { date_in: number }

/** A rule: which calls it matches, and what it does to them. */
export interface Fault {
  action: string
  operation?: string
  job?: number | string
  nth?: number
  count?: number
  probability?: number
  from_seconds?: number
  until_seconds?: number
  sooner_than_seconds?: number
  account?: string
  accepted?: boolean
  after_bytes?: number
  chunk_bytes?: number
  code?: string
  hide_length?: boolean
  location?: string
  message?: string
  retry_after?: RetryAfter
  seconds?: number
  state?: string
  states?: Record<string, string>
  status?: number
}

/** A rule, how many calls it has matched, and how many of them it has acted on. */
export interface FaultRecord extends Fault {
  matched: number
  acted: number
}

/** A movement of money: negative for a charge. */
export interface LedgerEntry {
  account: string
  kind: 'opening' | 'charge' | 'refund' | 'topup'
  amount_usd: number
  job_id: string | null
  idempotency_key: string | null
  at: string
  response_lost: boolean
}

/** The money of the account. */
export interface Ledger {
  balances: Record<string, number>
  entries: LedgerEntry[]
  double_charges: number
}

/** A request that the sandbox has received, without secrets. */
export interface Request {
  sequence: number
  at: string
  host: 'api' | 'files'
  method: string
  path: string
  query: string | null
  headers: [string, string][]
  authorization: boolean
  body: string | null
  operation: string | null
  account: string | null
  job_id: string | null
  status: number | null
  cost_usd: number | null
  fault: string | null
  request_id: string
}

/** A job, as the sandbox sees it. */
export interface Job {
  job_id: string
  number: number
  account: string
  request_id: string
  state: string
  prompt: string
  duration_seconds: number
  aspect_ratio: string
  resolution: string
  vendor: string
  model: string
  cost_usd: number
  idempotency_key: string | null
  created_at: string
  starts_at: string
  ends_at: string
  expires_at: string
}
