#!/bin/sh
# Builds every fuzz target once and runs each for a time; fails on the first crash, after all have run.
#
#   fuzz/run.sh SECONDS [TARGET...]
#   fuzz/run.sh install             only fetch the fuzzer
#
# Works on a stable toolchain. What is found on the way is kept in fuzz/corpus/ (not committed), crashes in
# fuzz/artifacts/, fuzz/seeds/ holds the committed beginnings. FUZZ_SANITIZER=address finds what a library's
# unsafe code does wrong, at half the speed; Avocet itself has none. A target CRATE_WHAT begins with seeds/CRATE.
# FUZZ_SEED=N makes a run that can be repeated.
set -eu

seconds=${1:?usage: fuzz/run.sh SECONDS [TARGET...]}
shift
cd "$(dirname "$0")"
command -v cargo-fuzz >/dev/null || cargo install --locked cargo-fuzz
[ "$seconds" != install ] || exit 0
sanitizer=${FUZZ_SANITIZER:-none}

# A target that nobody lists would never run.
unlisted=0
for file in fuzz_targets/*.rs; do
    name=$(basename "$file" .rs)
    if ! grep -q "^path = \"$file\"\$" Cargo.toml; then
        unlisted=1
        echo "fuzz/$file is not in fuzz/Cargo.toml; add:" >&2
        printf '\n[[bin]]\nname = "%s"\npath = "%s"\ntest = false\ndoc = false\nbench = false\n' \
            "$name" "$file" >&2
    fi
done
[ "$unlisted" = 0 ] || exit 1

# cargo-fuzz wants unstable flags; this lets the stable compiler take them.
export RUSTC_BOOTSTRAP=1
targets=${*:-$(cargo fuzz list --fuzz-dir .)}
# shellcheck disable=SC2086 # one build for all of them, or one for each that was named
if [ $# = 0 ]; then
    cargo fuzz build --fuzz-dir . -s "$sanitizer"
else
    for target in $targets; do cargo fuzz build --fuzz-dir . -s "$sanitizer" "$target"; done
fi

failed=
for target in $targets; do
    echo "=== $target, $seconds s"
    mkdir -p "corpus/$target"
    seeds=seeds/${target%%_*}
    [ -d "$seeds" ] || seeds=
    # shellcheck disable=SC2086 # no seeds, no argument
    if ! cargo fuzz run --fuzz-dir . -s "$sanitizer" "$target" "corpus/$target" $seeds -- \
        -seed="${FUZZ_SEED:-0}" -max_total_time="$seconds" -max_len=4096 -timeout=10 -rss_limit_mb=1024 -print_final_stats=1 \
        >"corpus/$target.log" 2>&1; then
        failed="$failed $target"
        tail -40 "corpus/$target.log"
    fi
    grep -E '^(stat::number_of_executed_units|stat::average_exec_per_sec)' "corpus/$target.log" || true
done

if [ -n "$failed" ]; then
    echo "crashed:$failed" >&2
    exit 1
fi
echo "all targets survived"
