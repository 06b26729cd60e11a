#!/usr/bin/env bash
# Check style, types and behaviour; every argument goes to pytest (`-m "not slow"`: quick suite).
source "$(dirname "${BASH_SOURCE[0]}")/setup.sh"
ensure tests/requirements.txt
cd "$root"
ruff format --check .
ruff check .
mypy
pytest "$@"
