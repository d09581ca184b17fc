#!/usr/bin/env bash
# Builds the tests of every package in peers/: one layer of ours against other crates, in memory.
set -euo pipefail
cd "$(dirname "$0")/../peers"
for layer in */tests; do
    cargo test --quiet --no-run --manifest-path "${layer%/tests}/Cargo.toml"
done
