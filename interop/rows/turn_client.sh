#!/usr/bin/env bash
set -euo pipefail
cd "$(dirname "$0")/../.."
command -v turnserver >/dev/null || {
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends coturn openssl >/dev/null
}
cargo build --release --example call --example turn_check
