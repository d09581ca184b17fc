#!/usr/bin/env bash
# Builds the test.
set -euo pipefail
cd "$(dirname "$0")/../.."
cargo test --release --quiet -p avocet-media --test captures --no-run
