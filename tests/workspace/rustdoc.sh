#!/bin/sh
# rustdoc with the unstable options that its JSON output needs. Only rustdoc sees the variable: build scripts of some
# dependencies read it, and cargo would build those dependencies again.
RUSTC_BOOTSTRAP=1 exec rustdoc "$@"
