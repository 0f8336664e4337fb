//! The text of the page that no run changes.

pub(crate) const INTRODUCTION: &str = "\
# A million clips

`cargo xtask scale` writes this page: a simulation of many workers with one ledger, and a model that says what limits them. The
simulation runs in virtual time, in one thread, from a seed: the same seed gives the same page. The inputs of the model are in
`tools/scale/constants.toml`, with their sources; [the last section](#inputs) lists them.
";

pub(crate) const SIMULATED: &str = "\
## What is simulated

The simulation is a model of the command's code, message by message, not the code itself. Each statement to the database, each
request and each response is an event of its own with its own way and time, so that a process can die between any two of them.

- **Worker**: `batch run` with `-j 512`. It leases items for 30 s, extends its leases every 10 s, stores each step before the next
  one begins, sends each request under the key that follows from the item, and groups the writes that wait at the same time into one
  transaction. It pauses as the command does, and one item tests whether an outage is over. A supervisor starts it again a
  minute after it exits with unfinished items, or 20 to 90 s after it was killed. At the end `batch retry` requests failed
  jobs again, at most twice.
- **SDK**: 5 attempts within 2 minutes with backoff, jitter, `Retry-After` and the retry budget; a response that does not come within
  30 s leaves the outcome unknown; a key older than 24 hours is not sent again; one wait for all jobs of a process, through pages
  of 100 jobs or 8 polls at a time.
- **Service**: one charge for each key, remembered for 24 hours. 10,000 requests per second, then 429. 402 once half of the clips are
  charged, for 10 minutes. Outages of 20 s, 2 and 8 minutes, in which 3 of 10 requests are answered 503. One of 100 jobs fails and
  is refunded; one of 5,000 lines is always rejected. One of 5,000 requests is lost, as is one of 5,000 responses; one of 20,000
  requests arrives up to 10 minutes late, after it was given up.
- **Ledger**: a row for each item. A write takes effect only if its process still holds the lease. The primary fails once and
  is away for 45 s. Responses on their way are lost, so that a process does not know whether it has committed.
- **Faults of workers**: two deaths for each worker, in turns at each step of an item; half as many processes that stand still for 35
  to 120 s, and as many machines that cannot reach the database for so long but can reach the service. Their leases expire, and
  others take their items over while they are still alive.

Checked during the run: no item has two charges that stand, no key is used for two items, a saved item never changes. At the
end: each item has a clip with one charge, or was rejected or failed without a charge.

**Assumed.** The service handles a key as its documentation says. Requests are executed one after the other, so no request finds
another one with its key in progress. The clocks of workers are those of the service. A machine downloads one clip after the other.

**Not covered.** Damaged disks and clips, a wrong or malicious service, a plan that is edited while it runs, budgets,
cancellation, several API keys in one batch, and the start: reading the plan, and storing a million items. The search for free
items is one statement in the simulation; the model adds those that find none. A test compares the writes of an item with those of
the real command. The crash tests of the command kill real processes, and `cargo xtask simulate` plays the SDK's own code.
";

pub(crate) const VARIANTS: &str = "\
## Standbys, and what they lose

Each row is the sum of 10 seeds with 20,000 items on 20 workers with `-j 64`. In the last two rows the database and all machines fail
together, and the machines start again 25 hours later, when the service has forgotten all keys.
";

pub(crate) const STANDBY: &str = "\
With an asynchronous standby a failover can lose the record that a request was sent. The item is then sent again as if for the
first time. Its key follows from the item, so that this is free for 24 hours: the service returns the first job. Only later it is
a second charge, since the lost record also had the age of the key. Without a lost record an old key is never sent: the item
is left to a person, who finds out with `infrai-video list` whether it has a job. So: **replicate synchronously**, or look at the
list before a batch is continued on a standby a day later.

A lost record can also be that of a saved clip. Its process has finished the item, but the ledger says that it holds the lease.
Two such processes would wait for each other for ever. So a process without work ends all of its leases, and another process
saves the clip again.
";

pub(crate) const BUGS: &str = "\
## The checks can fail

Each of these bugs is planted in the simulated worker. The runs are small: with all faults, with a site that fails, or
with a failover to a standby that is behind.
";

pub(crate) const SHARING: &str = "\
## Requests and transactions for each clip

Without faults and limits. A wait reads pages of the list, which show the newest 100 jobs of the account. If many workers
share an API key, a page has few of a worker's own jobs, and each worker polls its jobs one by one. The delay is the mean time from
the end of a job to its detection. Other requests are `generate` and `download_url`. A transaction has the writes and leases of
one process that wait at the same time.
";

pub(crate) const BOUNDS: &str = "\
## What binds first

Clips per second that each resource allows, with one API key for all workers. The least one binds. The limits of the service are
not documented, so three are shown.
";

pub(crate) const SHARDING: &str = "\
## When to shard, and how

A shard is an API key with its own ledger, its own part of the plan and its own workers. Split the plan into files before the first
run: an item is identified within its batch, and an item that was begun with one API key is not continued with another.
Sharding by service or by batch within one API key splits the ledger, but not the list of jobs, which binds earlier.
";

pub(crate) const COSTS: &str = "\
## What it costs

The service documents no prices. These are the prices of the sandbox's vendors, which do not exist. Machines, database and storage
are assumptions. Transfer out of a cloud is left out.
";

pub(crate) const CONSTANTS: &str = "\
## Inputs

Measured and assumed inputs. Those measured come from runs on 2 cores, with the load generator on the same machine.
";
