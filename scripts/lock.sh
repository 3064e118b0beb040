#!/usr/bin/env bash
# Write requirements.txt (to run) and requirements-test.txt (to run and test) from pyproject.toml.
# Needs pip-tools and a Python 3.11 on Linux; names, versions and hashes only, so that the files
# work with any index. Pass --upgrade to take newer versions.
set -euo pipefail
cd "$(dirname "$0")/.."

lock() {
    local output=$1
    shift
    .venv/bin/pip-compile pyproject.toml --output-file "$output" --generate-hashes \
        --build-deps-for editable --allow-unsafe --strip-extras --newline lf --quiet \
        --no-header --no-annotate \
        --no-emit-index-url --no-emit-trusted-host --no-emit-find-links --no-emit-options "$@"
}

lock requirements.txt "$@"
lock requirements-test.txt --extra test "$@"
