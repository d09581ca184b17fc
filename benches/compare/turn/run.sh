#!/usr/bin/env bash
# Our TURN server and coturn on loopback in one run; needs `turnserver` (Debian: coturn). Prints a table: see src/main.rs.
set -euo pipefail
cd "$(dirname "$0")"
command -v turnserver >/dev/null || { echo 'coturn is missing' >&2; exit 1; }
(cd ../../.. && cargo build --release --quiet --example turn_server)
target=${CARGO_TARGET_DIR:-../../../target}
ulimit -n 65536 2>/dev/null || true
cargo run --release --quiet -- "$(realpath "$target")/release/examples/turn_server" "$@"
