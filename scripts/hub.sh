# Sourced by the scripts that publish on Hugging Face. `publish KIND OWNER/NAME [FLAGS]` needs their
# function `write_files NAME FOLDER`; for nets of one's own it sets `weights`.
source "$(dirname "${BASH_SOURCE[0]}")/setup.sh"
weights=$root/assets/weights

fail() { echo "$(basename "$0" .sh): $*" >&2; exit 2; }

hub() { # ARGUMENTS of hf; its errors, tracebacks among them, become one line
    NO_COLOR=1 hf "$@" >/dev/null 2>"$temporary/errors" ||
        fail "hf $1: $(grep -m 1 'Error: ' "$temporary/errors" || tail -n 1 "$temporary/errors")"
}

publish() {
    local kind=$1 name=${2-} private='' folder='' choices='--private or --dry-run DIR'
    [ "$kind" = space ] || choices="--weights DIR, $choices"
    [[ $name =~ ^[[:alnum:]._-]+/[[:alnum:]._-]+$ ]] || fail "'$name' is not OWNER/NAME"
    shift 2
    while [ $# -gt 0 ]; do
        case "$kind $1 ${2-}" in
            *' --private '*) private=--private ;;
            *' --dry-run '?*) folder=$2 && shift ;;
            'model --weights '?*) weights=$2 && shift ;;
            *) fail "unknown arguments '$*'; use $choices" ;;
        esac
        shift
    done

    if [ -n "$folder" ]; then
        [ -z "$(ls -A "$folder" 2>/dev/null)" ] || fail "$folder is not empty"
        write_files "$name" "$folder"
        echo "$folder: $(du -sh "$folder" | cut -f1) for $name"
        return
    fi
    command -v hf >/dev/null || ensure requirements.txt
    temporary=$(mktemp -d)
    trap 'rm -rf "$temporary"' EXIT
    write_files "$name" "$temporary/files"
    hub auth token
    local sdk='' path=$name
    [ "$kind" = model ] || sdk='--space-sdk gradio' path=spaces/$name
    hub repos create "$name" --type "$kind" $sdk --exist-ok $private
    hub upload "$name" "$temporary/files" --type "$kind" --delete '*' \
        --commit-message "mnistcore $(git -C "$root" log -1 --format=%h)"
    echo "${HF_ENDPOINT:-https://huggingface.co}/$path"
}
