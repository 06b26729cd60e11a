"""Read pictures of numbers in forms and on ruled paper, kind by kind.

``python -m tests.tools.forms [n] [kind ...]`` at the root of the project: n pictures of each kind.
A number is right if its digits and signs are, line by line. Those that are wrong are listed.
"""

import sys
import zlib

import numpy as np

from mnistcore.benchmark.forms import KINDS, make_form
from mnistcore.benchmark.rows import load_split
from mnistcore.reading.recognizer import Recognizer

PICTURES = 20  # of each kind, by default


def main() -> None:
    """Print one row for each kind, and the sum."""
    n, *kinds = sys.argv[1:] or [str(PICTURES)]
    images, labels = load_split("val")
    recognizer = Recognizer(device="cpu")
    total = np.zeros(3, int)
    misread = []
    print(f"{'':24} {'n':>4} {'right':>6} {'wrong and sure':>15}")
    for kind in kinds or KINDS:
        counts = np.zeros(3, int)
        for i in range(int(n)):
            rng = np.random.default_rng([zlib.crc32(kind.encode()), i])
            picture, text = make_form(kind, images, labels, rng)
            reading = recognizer.read(picture)
            right = reading.text == text
            counts += 1, right, reading.verdict == "digit" and not right
            if not right:
                misread.append(f"{kind} {i}: {text!r} as {reading}")
        print(f"{kind:24} {counts[0]:4} {counts[1]:6} {counts[2]:15}", flush=True)
        total += counts
    print(f"{'all':24} {total[0]:4} {total[1] / total[0]:6.1%} {total[2] / total[0]:15.1%}")
    print("", *misread, sep="\n")


if __name__ == "__main__":
    main()
