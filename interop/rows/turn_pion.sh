#!/usr/bin/env bash
# Pion's TURN client comes from the Go module proxy; the server is ours.
set -euo pipefail
cd "$(dirname "$0")/../.."
PATH=$PATH:/usr/local/go/bin
command -v go >/dev/null || { echo 'Go is missing' >&2; exit 1; }
(cd interop/pion && go build -o ../build/pion_turn ./turn)
cargo build --release --example turn_server
