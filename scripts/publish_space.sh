#!/usr/bin/env bash
# Put the page on Hugging Face; every argument goes to scripts/publish_space.py
# (OWNER/NAME, --private; --dry-run DIR writes the folder and uploads nothing).
source "$(dirname "${BASH_SOURCE[0]}")/setup.sh"
ensure requirements.txt
exec python "$root/scripts/publish_space.py" "$@"
