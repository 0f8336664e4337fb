//! What can be moved to another thread, and what can be shared among threads. A failure is an error of the compiler.
//!
//! A program that spawns a task for each job needs `Send` futures; one that keeps a client in a `static` or in the state of a
//! web service needs `Sync`.

use std::future::{Future, IntoFuture};
use std::path::Path;

use bytes::Bytes;
use futures_util::stream;
use infrai_video::download::{ByteStream, Download, Fetched, Progress, Saved, Written};
use infrai_video::list::{Items, List, Pages};
use infrai_video::retry::RetryPolicy;
use infrai_video::transport::{ResponseBody, TowerTransport, Transport, TransportError};
use infrai_video::wait::{
    Finished, JobUpdate, OnDrop, PollBackoff, Results, Updates, Wait, WaitAll, WaitError,
};
use infrai_video::{
    Call, CapabilityMatch, Client, ClientBuilder, Error, Generate, IdempotencyKey, Job, JobError, JobId,
    Response, RetentionDays, Submission, Submit, Timestamp, WriteCall, types,
};

const fn shared<T: Send + Sync + Unpin>() {}

const fn moved<T: Send + Unpin>() {}

const _: () = {
    shared::<Client>();
    shared::<ClientBuilder>();
    shared::<Generate>();
    shared::<Submission>();
    shared::<Job>();
    shared::<List>();
    shared::<RetryPolicy>();

    shared::<Wait>();
    shared::<WaitAll>();
    shared::<Finished>();
    shared::<JobUpdate>();
    shared::<OnDrop>();
    shared::<PollBackoff>();

    shared::<Download>();
    shared::<Progress>();
    shared::<Saved>();
    shared::<Written>();

    shared::<Error>();
    shared::<WaitError>();
    shared::<TransportError>();
    shared::<CapabilityMatch>();
    shared::<Response<types::VideoJob>>();
    shared::<types::VideoCapabilities>();
    shared::<(JobId, IdempotencyKey, RetentionDays, Timestamp, JobError)>();
    shared::<TowerTransport<tokio::sync::mpsc::Sender<Bytes>>>();

    moved::<Call<types::VideoJob>>();
    moved::<WriteCall<types::Acknowledgement>>();
    moved::<Submit>();
    moved::<Updates>();
    moved::<Results>();
    moved::<Pages>();
    moved::<Items>();
    moved::<ByteStream>();
    moved::<Fetched>();
    moved::<ResponseBody>();
    moved::<Box<dyn Transport>>();
};

/// A future that can be spawned: it is `Send`, and borrows nothing.
fn spawned(_: impl IntoFuture<IntoFuture: Send + 'static>) {}

/// A future that can be awaited in one that is spawned.
fn awaited(_: impl Future<Output: Send> + Send) {}

#[test]
fn every_future_can_be_spawned() {
    let _compiled: fn(&Client, &Job, &Submission, Fetched) = futures;
}

/// Every future of the public API. It is compiled, and never called.
fn futures(client: &Client, job: &Job, submission: &Submission, fetched: Fetched) {
    spawned(client.generate("a city"));
    spawned(client.generate("a city").submit());
    spawned(client.submit(submission));
    spawned(client.status("vj_1"));
    spawned(client.get("vj_1"));
    spawned(client.download_url("vj_1"));
    spawned(client.cancel("vj_1"));
    spawned(client.delete("vj_1"));
    spawned(client.delete_all());
    spawned(client.set_retention("vj_1", RetentionDays::MIN.try_into().expect("it is allowed")));
    spawned(client.capabilities());
    spawned(client.list());
    awaited(client.sync_time());
    awaited(client.generate("a city").preflight());
    awaited(client.list().pages().next());
    awaited(client.list().items().next());

    spawned(job.wait());
    awaited(job.wait().updates().next());
    awaited(client.wait_all(["vj_1"]).results().next());
    awaited(client.wait_all(["vj_1"]).results_with(stream::iter(["vj_2"])).next());

    spawned(job.download().to_path("clip.mp4"));
    spawned(job.download().fetch_to(Path::new("clip.mp4")));
    spawned(job.download().to_writer(Vec::new()));
    spawned(fetched.save());
}
