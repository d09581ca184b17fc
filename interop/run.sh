#!/usr/bin/env bash
# Real browsers, servers and other stacks against ours, in a network namespace that this script makes and removes.
#
#   interop/run.sh                 the rows of every file in rows/ that is not slow
#   interop/run.sh NAME...         only the rows of these files
#   interop/run.sh all             everything, also what takes long
#   interop/run.sh bogo            only BoringSSL's protocol tests, see bogo/run.sh
#   interop/run.sh install         only fetch what is needed
#
# Needs Debian, root and Rust. Prints a table; the last line is "N rows ok, M failed", and any failure is the exit code.
set -euo pipefail
cd "$(dirname "$0")"

namespace=avocet-$$

install() {
    local missing=()
    command -v chromium >/dev/null || missing+=(chromium)
    command -v firefox-esr >/dev/null || missing+=(firefox-esr)
    command -v ip >/dev/null || missing+=(iproute2)
    command -v nft >/dev/null || missing+=(nftables)
    command -v node >/dev/null || missing+=(nodejs npm)
    if [ ${#missing[@]} -gt 0 ]; then
        apt-get update -qq
        DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
    fi
    [ -d node_modules/puppeteer-core ] || npm ci --silent --no-progress
    bogo/run.sh install
}

# One host of its own: loopback, and a pair of interfaces whose address browsers gather (they skip loopback, and
# Firefox gathers nothing without a default route).
up() {
    ip netns add "$namespace"
    ip -n "$namespace" link set lo up
    ip -n "$namespace" link add w0 type veth peer name w1
    ip -n "$namespace" address add 10.66.0.1/24 dev w0
    ip -n "$namespace" link set w0 up
    ip -n "$namespace" link set w1 up
    ip -n "$namespace" -6 address add fd66::1/64 dev w0 nodad
    ip -n "$namespace" route add default dev w0
    ip -n "$namespace" -6 route add default dev w0
}

down() {
    ip netns delete "$namespace" 2>/dev/null || true
}

[ "${1:-}" != bogo ] || exec bogo/run.sh
install
[ "${1:-}" = install ] && exit 0
# What rows/NAME.mjs needs from outside of the namespace is fetched and built by rows/NAME.sh, where there is one.
chosen=$(node drive.mjs --list "$@")
for name in $chosen; do
    [ ! -f "rows/$name.sh" ] || "rows/$name.sh"
done
trap down EXIT
up
export AVOCET_NAMESPACE=$namespace
ip netns exec "$namespace" node drive.mjs "$@"
