#!/usr/bin/env bash
# Prints three tables with their ratios: handshakes, records, and many handshakes at a time, beside OpenSSL, dimpl and the
# bare cryptography. Some minutes. Needs OpenSSL with its headers (Debian: libssl-dev) and cmake.
#   run.sh                               the tables
#   run.sh handshakes | records | crowds one of them
#   run.sh profile-12 | profile-13 | profile-records     only ours, in a loop of some seconds, for a profiler; of handshakes as many as wanted
set -euo pipefail
cd "$(dirname "$0")"
cargo run --quiet --release -- "${@:-tables}"
