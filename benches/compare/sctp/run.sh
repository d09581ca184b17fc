#!/usr/bin/env bash
# SCTP and data channels beside other implementations in one run: CPU time, medians, one table.
#
#   run.sh          SCTP alone (dcsctp, sctp-proto), whole stacks in one thread (str0m, rtc), over loopback (webrtc), memory
#   run.sh all      also libdatachannel (through Node) and Pion (needs Go) over loopback
#
# The machine should be quiet; the ratios of one run are the result.
set -euo pipefail
cd "$(dirname "$0")"
cargo build --release --quiet
printf 'Versions:'
for name in dcsctp sctp-proto str0m rtc webrtc; do
    printf ' %s' "$name $(sed -n "/^name = \"$name\"\$/{n;s/version = \"\(.*\)\"/\1/p;}" Cargo.lock),"
done
printf ' pion/webrtc %s, node-datachannel %s\n\n' "$(sed -n 's/^require .*webrtc.* v//p' go/go.mod)" \
    "$(sed -n 's/.*"node-datachannel": "\(.*\)".*/\1/p' node/package.json)"
target=$(cargo metadata --format-version 1 --no-deps | sed 's/.*"target_directory":"\([^"]*\)".*/\1/')
"$target/release/avocet-compare-sctp"
echo
"$target/release/memory"
[ "${1:-}" = all ] || exit 0
[ -d node/node_modules ] || (cd node && npm ci --silent --no-progress)
echo
node node/loopback.mjs
(cd go && go run .)
