#!/usr/bin/env bash
set -euo pipefail
cd "$(dirname "$0")/../.."
missing=()
command -v ffmpeg >/dev/null || missing+=(ffmpeg)
if [ ${#missing[@]} -gt 0 ]; then
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
fi
cargo build --release --example record --example play_from_disk
cargo build --release -p avocet-media --example undump
