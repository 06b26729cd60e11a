#!/usr/bin/env bash
# Put the page on Hugging Face: publish_space.sh OWNER/NAME [--private | --dry-run DIR]. The Space
# then has these files and no others. `hf auth login` or HF_TOKEN gives the token; --dry-run writes
# the files into a new or empty folder instead.
source "$(dirname "${BASH_SOURCE[0]}")/hub.sh"

write_files() {
    mkdir -p "$2"
    # Git's pathspecs, so that only tracked files are taken: the page, its documents and what they
    # show, and MNIST, which visitors train on.
    git -C "$root" ls-files -z --error-unmatch -- ':(glob)*.md' LICENSE requirements.txt demo.py \
        mnistcore docs ':(glob)assets/*.*' ':(glob)assets/weights/*' assets/examples \
        ':(glob)assets/results/*' assets/results/maps assets/MNIST/README.md \
        ':(glob)assets/MNIST/raw/*.gz' |
        tar -C "$root" --null -T - -cf - | tar -C "$2" -xf -
    cat - "$root/README.md" >"$2/README.md" <<'YAML'
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

publish space "$@"
