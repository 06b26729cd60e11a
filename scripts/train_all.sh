#!/usr/bin/env bash
# Train and benchmark the five nets; all arguments are passed to `python -m mnistcore all`.
source "$(dirname "${BASH_SOURCE[0]}")/setup.sh"
ensure requirements.txt
exec python -m mnistcore all "$@"
