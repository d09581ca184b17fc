#!/usr/bin/env bash
set -euo pipefail
cd "$(dirname "$0")"
./media.sh
if ! command -v gst-launch-1.0 >/dev/null || ! gst-inspect-1.0 x265enc >/dev/null 2>&1 || ! gst-inspect-1.0 avenc_g722 >/dev/null 2>&1; then
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends gstreamer1.0-tools \
        gstreamer1.0-plugins-good gstreamer1.0-plugins-bad gstreamer1.0-plugins-ugly gstreamer1.0-libav >/dev/null
fi
