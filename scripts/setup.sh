# Sourced by the other scripts. `ensure FILE` makes .venv and installs what a requirements file
# names, once; afterwards `python` is the one of .venv and finds the package from any folder.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
venv=$root/.venv

ensure() {
    local stamp
    stamp=$venv/installed-$(cat "$root/requirements.txt" "$root/$1" | cksum | cut -d' ' -f1)
    if [ ! -e "$stamp" ]; then
        python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' ||
            { echo "Python 3.11 or newer is needed, as python3" >&2; exit 2; }
        python3 -m pip --version >/dev/null ||
            { echo "pip is needed: apt install python3-pip" >&2; exit 2; }
        echo "installing $1 into $venv"
        # Debian's python3 cannot put pip into a venv by itself: the outer pip does.
        [ -x "$venv/bin/python" ] || python3 -m venv --without-pip "$venv"
        python3 -m pip --python "$venv/bin/python" install --disable-pip-version-check \
            --root-user-action=ignore pip --requirement "$root/$1"
        touch "$stamp"
    fi
    export PATH=$venv/bin:$PATH PYTHONPATH=$root${PYTHONPATH:+:$PYTHONPATH}
}
