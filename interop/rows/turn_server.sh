#!/usr/bin/env bash
# Our TURN server, and two clients of other people's: coturn's is in Debian.
set -euo pipefail
cd "$(dirname "$0")/../.."
command -v turnutils_uclient >/dev/null || {
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends coturn openssl >/dev/null
}
cargo build --release --example turn_server --example turn_check
