#!/usr/bin/env bash
# BoringSSL comes with its crate and takes minutes to build; the other side is the driver that speaks with OpenSSL too.
set -euo pipefail
cd "$(dirname "$0")/../peers"
missing=()
command -v cmake >/dev/null || missing+=(cmake)
command -v clang >/dev/null || missing+=(clang libclang-dev)
command -v g++ >/dev/null || missing+=(g++)
if [ ${#missing[@]} -gt 0 ]; then
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
fi
(cd boring && cargo build --quiet --locked)
(cd openssl && cargo build --quiet --locked)
