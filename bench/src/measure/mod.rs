//! How things are measured: built programs, servers, load generators and reports.

pub(crate) mod build;
pub(crate) mod curl;
pub(crate) mod fixed_server;
pub(crate) mod generated_clients;
pub(crate) mod hyperfine;
pub(crate) mod load;
pub(crate) mod machine;
pub(crate) mod one_response;
pub(crate) mod process;
pub(crate) mod report;
pub(crate) mod sandbox;
