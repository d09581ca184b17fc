#!/usr/bin/env bash
# Pion comes from the Go module proxy; the call example it calls is ours.
set -euo pipefail
cd "$(dirname "$0")/../.."
PATH=$PATH:/usr/local/go/bin
command -v go >/dev/null || { echo 'Go is missing' >&2; exit 1; }
(cd interop/pion && go build -o ../build/pion .)
cargo build --release --example call
