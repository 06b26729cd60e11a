# Sourced by the other scripts. `ensure FILE` creates .venv and installs a requirements file into it,
# once; after that `python` is the one in .venv and imports the package from any folder.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
venv=$root/.venv

stop() {
    echo "$1" >&2
    exit 2
}

ensure() {
    local stamp
    stamp=$venv/installed-$(cat "$root/requirements.txt" "$root/$1" | cksum | cut -d' ' -f1)
    if [ ! -e "$stamp" ]; then
        python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null ||
            stop "the command python3 must be Python 3.11 or newer; please install it"
        python3 -m pip --version >/dev/null 2>&1 ||
            stop "python3 has no pip; please install it (Debian, Ubuntu: apt install python3-pip)"
        echo "installing $1 into $venv"
        # Debian's python3 cannot put pip into a new environment, so the outer pip does.
        [ -x "$venv/bin/python" ] || python3 -m venv --without-pip "$venv" ||
            stop "cannot create $venv; see the message above"
        python3 -m pip --python "$venv/bin/python" install --disable-pip-version-check \
            --root-user-action=ignore pip --requirement "$root/$1" ||
            stop "installing $1 failed; see pip's message above, then run this script again"
        touch "$stamp"
    fi
    export PATH=$venv/bin:$PATH PYTHONPATH=$root${PYTHONPATH:+:$PYTHONPATH}
}
