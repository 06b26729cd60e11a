#!/usr/bin/env bash
# Check style, types and behaviour; every argument goes to pytest (`-m "not slow"`: quick suite).
source "$(dirname "${BASH_SOURCE[0]}")/setup.sh"
ensure tests/requirements.txt
cd "$root"
if ! command -v chromium >/dev/null && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    echo "installing chromium, for the tests of the page"
    apt-get update -qq && apt-get install -y -qq chromium
fi
ruff format --check .
ruff check .
mypy
pytest "$@"
