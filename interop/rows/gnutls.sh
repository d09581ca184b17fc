#!/usr/bin/env bash
# GnuTLS comes as a package; the other side is the driver that speaks with OpenSSL too.
set -euo pipefail
cd "$(dirname "$0")/../peers/openssl"
missing=()
command -v gnutls-cli >/dev/null || missing+=(gnutls-bin)
command -v openssl >/dev/null || missing+=(openssl)
if [ ${#missing[@]} -gt 0 ]; then
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
fi
cargo build --quiet --locked
