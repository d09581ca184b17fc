#!/usr/bin/env bash
# SCTP and data channels beside other implementations in one run: CPU time, medians, one table.
#
#   run.sh          SCTP alone (dcsctp, sctp-proto), whole stacks in one thread (str0m), over loopback, memory
#   run.sh all      also libdatachannel (through Node) and Pion (needs Go) over loopback
#
# The machine should be quiet; the ratios of one run are the result.
set -euo pipefail
cd "$(dirname "$0")"
cargo build --release --quiet
target=$(cargo metadata --format-version 1 --no-deps | sed 's/.*"target_directory":"\([^"]*\)".*/\1/')
"$target/release/avocet-compare-sctp"
[ "${1:-}" = all ] || exit 0
[ -d node/node_modules ] || (cd node && npm ci --silent --no-progress)
echo
node node/loopback.mjs
(cd go && go run .)
