#!/usr/bin/env bash
# Start the page; all arguments are passed to demo.py (--port, --host, --share, ...).
source "$(dirname "${BASH_SOURCE[0]}")/setup.sh"
ensure requirements.txt
exec python "$root/demo.py" "$@"
