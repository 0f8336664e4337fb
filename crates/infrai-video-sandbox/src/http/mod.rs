//! The HTTP server: sockets, routes, and what happens around every request.

pub(crate) mod admin;
mod connection;
mod cors;
mod fault_injection;
mod middleware;
mod record;
pub(crate) mod router;
pub(crate) mod scope;
pub(crate) mod server;
