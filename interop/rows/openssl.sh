#!/usr/bin/env bash
set -euo pipefail
cd "$(dirname "$0")/../peers/openssl"
command -v openssl >/dev/null || { apt-get update -qq; apt-get install -y -qq --no-install-recommends openssl >/dev/null; }
cargo build --quiet --locked
