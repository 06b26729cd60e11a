"""Put the page on Hugging Face as a Space, or write the folder that would be uploaded.

The Space then holds these files and no others. ``hf auth login`` or HF_TOKEN gives the token.
"""

import argparse
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from huggingface_hub import HfApi, get_token
from huggingface_hub.constants import ENDPOINT
from huggingface_hub.errors import HTTPError  # the Hub's refusals and its client's
from huggingface_hub.utils import validate_repo_id

from mnistcore.files import ROOT, code_version
from mnistcore.flags import Parser

# What the page and its README need, as git's pathspecs: only what git tracks is taken.
PAGE = (
    ":(glob)*.md",
    "LICENSE",
    "requirements.txt",
    "demo.py",
    "mnistcore",
    "assets/examples",
    "assets/results",
    ":(glob)assets/*.*",
    ":(glob)assets/weights/*",  # not the trainings' histories in its folders
    "assets/MNIST/README.md",
    "assets/MNIST/raw/t10k-images-idx3-ubyte.gz",  # the page shows the misread test digits
)


def space_id(text: str) -> str:
    """``OWNER/NAME`` as the Hub takes it.

    Raises:
        argparse.ArgumentTypeError: it does not take it.
    """
    try:
        validate_repo_id(text)
        owner, name = text.split("/")
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"{text!r} is no OWNER/NAME of letters, digits, '-', '_' and '.'"
        ) from None
    return f"{owner}/{name}"


def page_files() -> list[str]:
    """The files of the Space, relative to the root of the repository.

    Raises:
        ValueError: this is no git checkout, or it lacks something of ``PAGE``.
    """
    command = ["git", "-C", str(ROOT), "ls-files", "-z", "--error-unmatch", "--", *PAGE]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    if result.returncode:
        raise ValueError(result.stderr.partition("\n")[0])
    return result.stdout.rstrip("\0").split("\0")


def write_folder(folder: Path) -> int:
    """Write the Space into a folder that is new or empty.

    Returns:
        The bytes written.

    Raises:
        ValueError: the folder holds something, or as :func:`page_files`.
        OSError: a file cannot be read or written.
    """
    if folder.exists() and any(folder.iterdir()):
        raise ValueError(f"{folder} is not empty")
    for name in page_files():
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / name, target)
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def publish(space: str, private: bool | None) -> str:
    """Make the Space where there is none and upload the page.

    Args:
        space: OWNER/NAME.
        private: whether a Space that is made now is; None: as its owner has it by default.

    Returns:
        The Space's address.

    Raises:
        ValueError: there is no token.
        HTTPError, OSError: the Hub does not answer, or refuses.
    """
    if get_token() is None:
        raise ValueError("no token: run `hf auth login` or set HF_TOKEN")
    api = HfApi()
    with tempfile.TemporaryDirectory() as folder:
        write_folder(Path(folder))
        url = api.create_repo(
            space, repo_type="space", space_sdk="gradio", private=private, exist_ok=True
        )
        api.upload_folder(
            repo_id=space,
            repo_type="space",
            folder_path=folder,
            delete_patterns="*",
            commit_message=f"mnistcore {code_version()}",
        )
    return str(url)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line.

    Returns:
        0 for success, 2 for a wrong call or what the Hub or the disk refuses.
    """
    parser = Parser(prog="publish_space", description=__doc__.partition("\n")[0])
    parser.add_argument("space", type=space_id, metavar="OWNER/NAME")
    parser.add_argument("--private", action="store_true", default=None,
                        help="for your eyes only, if the Space is new")  # fmt: skip
    parser.add_argument("--dry-run", type=Path, metavar="DIR",
                        help="write the files here instead of uploading them")  # fmt: skip
    args = parser.parse_args(argv)
    try:
        if args.dry_run:
            size = write_folder(args.dry_run)
            print(f"{args.dry_run}: {size / 1e6:.1f} MB for {args.space}")
        else:
            print(publish(args.space, args.private))
    except (ValueError, OSError, HTTPError) as error:
        where = f"{ENDPOINT}: " if isinstance(error, HTTPError) else ""
        reason = " ".join(str(error).split())
        print(f"publish_space: {where}{reason}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
