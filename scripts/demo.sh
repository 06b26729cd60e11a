#!/usr/bin/env bash
# Start the page; every argument goes to `python demo.py` (--port, --host, --share, ...).
source "$(dirname "${BASH_SOURCE[0]}")/setup.sh"
ensure requirements.txt
exec python "$root/demo.py" "$@"
