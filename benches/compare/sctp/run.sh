#!/usr/bin/env bash
# SCTP and data channels beside other implementations in one run: CPU time, medians, one table.
#
#   run.sh          SCTP alone (dcsctp, sctp-proto), whole stacks in one thread (str0m, rtc), over loopback (webrtc), memory
#   run.sh all      also libdatachannel (C++, takes minutes to build; needs cmake, libclang and OpenSSL) and Pion (needs Go) over loopback
#
# The machine should be quiet; the ratios of one run are the result.
set -euo pipefail
cd "$(dirname "$0")"
features=()
[ "${1:-}" != all ] || features=(--features libdatachannel)
cargo build --release --quiet "${features[@]}"
printf 'Versions:'
for name in dcsctp sctp-proto str0m rtc webrtc; do
    printf ' %s' "$name $(sed -n "/^name = \"$name\"\$/{n;s/version = \"\(.*\)\"/\1/p;}" Cargo.lock),"
done
printf ' libdatachannel %s, pion/webrtc %s\n\n' "$(sed -n '/^name = "datachannel-sys"$/{n;s/version = ".*+\(.*\)"/\1/p;}' Cargo.lock)" \
    "$(sed -n 's/^require .*webrtc.* v//p' go/go.mod)"
target=$(cargo metadata --format-version 1 --no-deps | sed 's/.*"target_directory":"\([^"]*\)".*/\1/')
"$target/release/avocet-compare-sctp"
[ "${1:-}" != all ] || (cd go && go run .)
echo
"$target/release/memory"
