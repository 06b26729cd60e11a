#!/usr/bin/env bash
# Put the nets on Hugging Face: publish_model.sh OWNER/NAME [--weights DIR] [--private | --dry-run
# DIR]. The model repository then has these files and no others. --weights gives nets of your own;
# `hf auth login` or HF_TOKEN gives the token; --dry-run writes the files into a new or empty folder
# instead.
source "$(dirname "${BASH_SOURCE[0]}")/hub.sh"

write_files() ( # in a subshell: hf stays the one that the caller has
    ensure scripts/requirements.txt
    exec python -m mnistcore.hub "$1" "$weights" "$2"
)

publish model "$@"
