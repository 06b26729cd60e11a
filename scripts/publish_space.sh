#!/usr/bin/env bash
# Put the page on Hugging Face: publish_space.sh OWNER/NAME [--private | --dry-run DIR]. The Space
# then has these files and no others. `hf auth login` or HF_TOKEN gives the token; --dry-run writes
# the files into a new or empty folder instead.
source "$(dirname "${BASH_SOURCE[0]}")/setup.sh"

fail() { echo "publish_space: $*" >&2; exit 2; }

write_space() { # FOLDER
    # Git's pathspecs, so that only tracked files are taken: the page, its documents and what they
    # show, and MNIST, which visitors train on.
    git -C "$root" ls-files -z --error-unmatch -- ':(glob)*.md' LICENSE requirements.txt demo.py \
        mnistcore docs ':(glob)assets/*.*' ':(glob)assets/weights/*' assets/examples \
        assets/results assets/MNIST/README.md ':(glob)assets/MNIST/raw/*.gz' |
        tar -C "$root" --null -T - -cf - | tar -C "$1" -xf -
    cat - "$root/README.md" >"$1/README.md" <<'YAML'
---
title: mnistcore
emoji: 🔢
colorFrom: green
colorTo: blue
sdk: gradio
sdk_version: 6.31.0
python_version: "3.12"
app_file: demo.py
fullWidth: true
suggested_hardware: cpu-basic
short_description: Five small nets read your handwritten digits
license: mit
datasets: [ylecun/mnist]
tags: [image-classification, handwritten-digits, mnist]
pinned: false
---
YAML
}

hub() { # ARGUMENTS of hf; its errors, tracebacks among them, become one line
    NO_COLOR=1 hf "$@" >/dev/null 2>"$temporary/errors" ||
        fail "hf $1: $(grep -m 1 'Error: ' "$temporary/errors" || tail -n 1 "$temporary/errors")"
}

space=${1-} private='' folder=''
[[ $space =~ ^[[:alnum:]._-]+/[[:alnum:]._-]+$ ]] || fail "'$space' is not OWNER/NAME"
case "${*:2}" in
    '') ;;
    --private) private=--private ;;
    '--dry-run '?*) folder=$3 ;;
    *) fail "unknown arguments '${*:2}'; use --private or --dry-run DIR" ;;
esac

if [ -n "$folder" ]; then
    [ -z "$(ls -A "$folder" 2>/dev/null)" ] || fail "$folder is not empty"
    mkdir -p "$folder"
    write_space "$folder"
    echo "$folder: $(du -sh "$folder" | cut -f1) for $space"
    exit
fi
command -v hf >/dev/null || ensure requirements.txt
temporary=$(mktemp -d)
trap 'rm -rf "$temporary"' EXIT
mkdir "$temporary/space"
write_space "$temporary/space"
hub auth token
hub repos create "$space" --type space --space-sdk gradio --exist-ok $private
hub upload "$space" "$temporary/space" --type space --delete '*' \
    --commit-message "mnistcore $(git -C "$root" log -1 --format=%h)"
echo "${HF_ENDPOINT:-https://huggingface.co}/spaces/$space"
