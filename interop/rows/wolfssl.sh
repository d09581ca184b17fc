#!/usr/bin/env bash
# wolfSSL comes with its crate and is built with the tools of GNU; the other side is the driver that speaks with OpenSSL too.
set -euo pipefail
cd "$(dirname "$0")/../peers"
missing=()
for tool in autoconf automake libtool; do
    command -v "${tool}ize" >/dev/null || command -v "$tool" >/dev/null || missing+=("$tool")
done
if [ ${#missing[@]} -gt 0 ]; then
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
fi
(cd wolfssl && cargo build --quiet --locked)
(cd openssl && cargo build --quiet --locked)
