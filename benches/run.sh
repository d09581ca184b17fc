#!/usr/bin/env bash
# The benches and the tests beside them.
#   run.sh          all of it: some minutes; prints one line per bench, and what a connection holds
#   run.sh quick    everything compiled and each bench run once, and the tests: what CI asks for
set -euo pipefail
cd "$(dirname "$0")"

case "${1:-full}" in
quick)
    # One profile for both, without the link-time optimization: nothing is measured here.
    export CARGO_PROFILE_BENCH_LTO=off CARGO_PROFILE_BENCH_CODEGEN_UNITS=16 CARGO_PROFILE_BENCH_OPT_LEVEL=1
    cargo bench --locked --quiet --benches -- --test
    cargo test --locked --quiet --profile bench
    ;;
full)
    cargo test --locked --quiet --profile bench -- --nocapture --test-threads 1
    cargo bench --locked --benches 2>/dev/null | grep -E ': (ours|[0-9]+ MB)'
    ;;
*)
    sed -n '2,4s/^# *//p' "$0" >&2
    exit 2
    ;;
esac
