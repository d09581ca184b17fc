#!/usr/bin/env bash
# Builds the measurement.
set -euo pipefail
cd "$(dirname "$0")/../.."
cargo test --release --quiet -p avocet-dtls --no-run
