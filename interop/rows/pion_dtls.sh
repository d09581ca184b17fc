#!/usr/bin/env bash
# Pion's DTLS comes from the Go module proxy; the other side is the driver that speaks with OpenSSL too.
set -euo pipefail
cd "$(dirname "$0")/../peers"
PATH=$PATH:/usr/local/go/bin
command -v go >/dev/null || { echo 'Go is missing' >&2; exit 1; }
(cd pion_dtls && go build -o ../../build/pion_dtls .)
(cd openssl && cargo build --quiet --locked)
