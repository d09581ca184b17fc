#!/usr/bin/env bash
# Prints three tables: handshakes, records, and many handshakes at a time, beside OpenSSL and dimpl. Some minutes.
# Needs OpenSSL with its headers (Debian: libssl-dev) and cmake.
#   run.sh          the tables
#   run.sh profile  only our handshakes, in a loop of some seconds, for a profiler
set -euo pipefail
cd "$(dirname "$0")"
cargo run --quiet --release -- "${1:-tables}"
