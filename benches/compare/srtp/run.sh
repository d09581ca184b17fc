#!/usr/bin/env bash
# Prints one table: protect and unprotect beside the raw cryptography, libsrtp2 and rtc-srtp, and a fan-out to 100
# contexts. About a minute. Needs libsrtp2 (Debian: libsrtp2-dev).
#   run.sh          the table
#   run.sh timing   whether the time of refusing a tag tells where it is wrong (catalogue P-05)
set -euo pipefail
cd "$(dirname "$0")"
cargo run --quiet --release -- "${1:-table}"
