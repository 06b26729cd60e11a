#!/usr/bin/env bash
# Train the five nets and benchmark them; every argument goes to `python -m mnistcore all`.
source "$(dirname "${BASH_SOURCE[0]}")/setup.sh"
ensure requirements.txt
exec python -m mnistcore all "$@"
