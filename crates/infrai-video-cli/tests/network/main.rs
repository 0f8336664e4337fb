//! The command with real TLS servers and proxies on loopback: certificates, HTTP/2, CONNECT and SOCKS.
//! `cargo xtask test --only network` runs only these tests.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

mod base_urls;
mod bodies;
mod certificates;
#[path = "../suite/common.rs"]
#[allow(dead_code, reason = "shared with the suite, used in part here")]
mod common;
mod http2;
mod proxies;
mod proxy;
mod tls;
