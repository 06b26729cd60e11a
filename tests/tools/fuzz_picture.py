"""Read picture files that are damaged at random: they may fail with a PictureError, nothing else.

``python -m tests.tools.fuzz_picture --minutes 10``. Files that raise anything else, or take too
long or too much memory, are kept in runs/fuzz; ``--seed`` repeats a run. Needs Linux's /proc.
"""

import argparse
import io
import random
import struct
import sys
import time
import zlib
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from mnistcore.pens.font import DIGITS
from mnistcore.pens.strokes import pen_strokes, render
from mnistcore.reading.picture import PictureError, read_ink

KINDS: list[tuple[str, str, dict[str, Any]]] = [
    ("PNG", "L", {}), ("PNG", "RGBA", {}), ("PNG", "P", {"transparency": 3}), ("PNG", "1", {}),
    ("PNG", "I;16", {}), ("JPEG", "L", {}), ("JPEG", "RGB", {"progressive": True}),
    ("JPEG", "CMYK", {}), ("GIF", "P", {}), ("GIF", "P", {"save_all": True}),
    ("TIFF", "L", {}), ("TIFF", "1", {"compression": "group4"}),
    ("TIFF", "RGB", {"compression": "tiff_lzw"}), ("TIFF", "F", {}), ("TIFF", "I;16", {}),
    ("TIFF", "RGB", {"compression": "jpeg"}), ("TIFF", "LAB", {}), ("WEBP", "RGB", {}),
    ("WEBP", "RGBA", {"lossless": True}), ("WEBP", "RGB", {"save_all": True}), ("BMP", "RGB", {}),
    ("BMP", "P", {}), ("ICO", "RGBA", {}), ("TGA", "RGB", {"compression": "tga_rle"}),
    ("PCX", "P", {}), ("PPM", "L", {}), ("JPEG2000", "RGB", {}), ("AVIF", "RGB", {}),
    ("DDS", "RGBA", {}), ("SGI", "RGB", {}), ("MPO", "RGB", {"save_all": True}),
]  # fmt: skip
NUMBERS = [0, 1, 2, 127, 128, 255, 256, 0x7FFF, 0x8000, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF]
TIME = 10  # seconds of the processor
MEMORY = 2500  # MB; the largest picture that is decoded takes half of it
PEAK = Path("/proc/self/clear_refs")


def seeds() -> list[bytes]:
    """A digit in every kind of file that this Pillow can write."""
    strokes = [part * 25 + 20 for part in pen_strokes(DIGITS["7"], np.random.default_rng(0))]
    gray = Image.fromarray((255 * (1 - render(strokes, 40, 4))).astype(np.uint8))
    exif = Image.Exif()
    exif[0x0112] = 6
    files = []
    for kind, mode, options in KINDS:
        image = gray.convert("RGB").convert(mode) if mode != "LAB" else Image.new("LAB", gray.size)
        if options.get("save_all"):
            options = options | {"append_images": [image, image]}
        for more in ({}, {"exif": exif}):
            buffer = io.BytesIO()
            try:
                image.save(buffer, kind, **options, **more)
            except (OSError, ValueError, KeyError, SystemError):
                continue  # this Pillow was built without it
            files.append(buffer.getvalue())
    return files


def damage(content: bytes, files: list[bytes], rng: random.Random) -> bytes:
    """A file, damaged in one to eight places."""
    data = bytearray(content)
    for _ in range(rng.choice([1, 1, 2, 3, 5, 8])):
        if not data:
            break
        # Half of the damage is done to the header, in the first 64 bytes.
        at = rng.randrange(min(len(data), rng.choice([64, len(data)])))
        end = min(len(data), at + rng.choice([1, 2, 4, 16, 256]))
        match rng.randrange(8):
            case 0:
                data[at] ^= 1 << rng.randrange(8)
            case 1:
                data[at] = rng.randrange(256)
            case 2 | 3:
                size = rng.choice(["B", "H", "I"])
                top = {"B": 0xFF, "H": 0xFFFF, "I": 0xFFFFFFFF}[size]
                number = struct.pack(rng.choice("<>") + size, rng.choice(NUMBERS) & top)
                data[at : at + len(number)] = number
            case 4:
                del data[at:end]
            case 5:
                data[at:at] = data[at:end] * rng.choice([1, 2, 50])
            case 6:
                other = rng.choice(files)
                start = rng.randrange(len(other))
                data[at:end] = other[start : start + end - at]
            case 7:
                del data[at:]
    if data.startswith(b"\x89PNG") and rng.random() < 0.7:
        data = with_checksums(data)
    return bytes(data)


def with_checksums(data: bytearray) -> bytearray:
    """A PNG file with correct checksums, so that the decoder looks into its chunks."""
    at = 8
    while at + 12 <= len(data):
        (length,) = struct.unpack_from(">I", data, at)
        end = at + 8 + length
        if end + 4 > len(data):
            break
        struct.pack_into(">I", data, end, zlib.crc32(data[at + 4 : end]))
        at = end + 4
    return data


def wrong(content: bytes) -> str:
    """What went wrong in reading a file; "" if nothing did."""
    PEAK.write_text("5")  # resets the peak
    start = time.process_time()
    try:
        ink = read_ink(content).ink
        if not (ink.min() >= 0 and ink.max() <= 1):
            return "ink out of range"
    except PictureError as error:
        if "\n" in str(error):
            return f"more than a sentence: {error}"
    except Exception as error:
        return repr(error)
    seconds = time.process_time() - start
    if peak_mb() > MEMORY:
        return f"{peak_mb():.0f} MB"
    return f"{seconds:.1f} s" if seconds > TIME else ""


def peak_mb() -> float:
    """The most memory, in MB, that this process has held since ``PEAK`` was reset."""
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) / 1024


def main() -> None:
    """Fuzz and print; the exit status is 1 if anything was found."""
    parser = argparse.ArgumentParser(description="Read damaged picture files.")
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=Path("runs/fuzz"))
    args = parser.parse_args()
    files, rng, end = seeds(), random.Random(args.seed), time.monotonic() + 60 * args.minutes
    count, slowest, most = 0, 0.0, 0.0
    found: dict[str, bytes] = {}
    while time.monotonic() < end:
        content = damage(rng.choice(files), files, rng)
        start = time.process_time()
        what = wrong(content)
        slowest, most = max(slowest, time.process_time() - start), max(most, peak_mb())
        count += 1
        if what and what not in found:
            found[what] = content
            args.out.mkdir(parents=True, exist_ok=True)
            path = args.out / f"{args.seed}-{len(found)}"
            path.write_bytes(content)
            print(f"{path}: {what}")
    print(
        f"{count:,} files damaged from {len(files)}, {len(found)} kinds of failure; the slowest "
        f"took {slowest:.1f} s, memory stayed below {most:.0f} MB"
    )
    sys.exit(bool(found))


if __name__ == "__main__":
    main()
