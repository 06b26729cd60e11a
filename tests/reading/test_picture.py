import base64
import io
import math
import struct
import tracemalloc
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from numpy.typing import NDArray
from PIL import Image

from mnistcore.reading.picture import MAX_PIXELS, MAX_SIDE, PictureError, Plane, read_ink
from tests.tools.pictures import coloured, digit, gray, on_nothing

INK = digit("7")  # looks different in each of the eight ways to turn and mirror it
WHITE_INK = np.stack([np.full_like(gray(INK), 255), 255 - gray(INK)], 2)  # gray and alpha
SEED = np.random.default_rng(0)
few = settings(max_examples=60, derandomize=True, deadline=None, database=None)


def file(image: Image.Image, kind: str = "PNG", **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def assert_ink(picture: Any, ink: Plane = INK, tolerance: float = 0.004) -> None:
    """Its ink is this, up to a mean difference."""
    found = read_ink(picture).ink
    assert found.shape == ink.shape
    assert np.abs(found - ink).mean() < tolerance


def noisy_paper(side: int, ink: Plane, at: int) -> NDArray[np.uint8]:
    """Black ink; where it is transparent, noise that nobody sees."""
    rgba = SEED.integers(0, 256, (side, side, 4), np.uint8)
    rgba[:, :, 3] = 0
    rgba[at : at + ink.shape[0], at : at + ink.shape[1], 3] = np.rint(ink * 255)
    rgba[rgba[:, :, 3] > 0, :3] = 0
    return rgba


PLAIN = Image.fromarray(gray(INK))
EMPTY = Image.new("L", PLAIN.size, 255)
PALETTE = PLAIN.convert("P")
PLAIN_FILE = file(PLAIN)
TENSOR = torch.from_numpy(gray(INK))
EDITOR = {"background": None, "layers": [EMPTY], "composite": on_nothing(INK)}
PICTURES: dict[str, Any] = {
    "bytearray": bytearray(PLAIN_FILE),
    "memoryview of a file": memoryview(PLAIN_FILE),
    "memoryview of an array": gray(INK).data,
    "data URL": "data:image/png;base64," + base64.b64encode(PLAIN_FILE).decode(),
    "data URL, percent-encoded": "data:image/png," + quote(PLAIN_FILE),
    "Gradio's editor": EDITOR,
    "list": gray(INK).tolist(),
    "tensor": TENSOR,
    "tensor (1, H, W)": TENSOR[None],
    "tensor (3, H, W)": TENSOR.expand(3, -1, -1),
    "tensor (H, W, 3)": TENSOR[:, :, None].expand(-1, -1, 3),
    "bfloat16 with a gradient": (1 - torch.from_numpy(INK)).bfloat16().requires_grad_(),
    "white on black": 255 - gray(INK),
    "black on transparent": on_nothing(INK),
    "white on transparent": on_nothing(INK, 255),
    "gray on transparent": on_nothing(INK, 90),
    "red ink on transparent": on_nothing(INK) + np.array([200, 0, 0, 0], np.uint8),
    "noise under alpha 0": noisy_paper(280, INK, 0),
    "gray and alpha": WHITE_INK,
    "navy on yellow": coloured(INK, "navy", "yellow"),
    "yellow on navy": coloured(INK, "yellow", "navy"),
    "red on green, equally bright": coloured(INK, "#c80000", "#006600"),
    "pale gray on white": coloured(INK, "#d0d0d0", "white"),
    "dark gray on black": coloured(INK, "#383838", "black"),
    "RGB array": np.asarray(PLAIN.convert("RGB")),
    "(H, W, 1) array": gray(INK)[:, :, None],
    "float up to 1": 1 - INK,
    "float up to 255": 255 * (1 - INK),
    "float16": (1 - INK).astype(np.float16),
    "int64": gray(INK).astype(int),
    "16-bit array": gray(INK).astype(np.uint16) * 257,
    "big-endian": gray(INK).astype(">u2") * 257,
    "not contiguous": gray(INK)[::-1][::-1],
    "PIL image": PLAIN,
    "PNG": file(PLAIN),
    "PNG, 16 bits": file(Image.fromarray(gray(INK).astype(np.uint16) * 257)),
    "PNG, gray and alpha": file(Image.fromarray(WHITE_INK)),
    "PNG, RGBA": file(Image.fromarray(on_nothing(INK))),
    "PNG, palette": file(PALETTE),
    "PNG, one palette colour transparent": file(PALETTE, transparency=255),
    "PNG, animated": file(PLAIN, save_all=True, append_images=[EMPTY]),
    "BMP": file(PLAIN, "BMP"),
    "GIF": file(PLAIN, "GIF"),
    "GIF, animated": file(PLAIN, "GIF", save_all=True, append_images=[EMPTY, EMPTY]),
    "WebP": file(PLAIN, "WEBP", lossless=True),
    "WebP, transparent": file(Image.fromarray(on_nothing(INK)), "WEBP", lossless=True),
    "TIFF": file(PLAIN, "TIFF"),
    "TIFF, several pages": file(PLAIN, "TIFF", save_all=True, append_images=[EMPTY]),
    "TIFF, 16 bits": file(Image.fromarray(gray(INK).astype(np.uint16) * 257), "TIFF"),
    "TIFF, 32 bits": file(Image.fromarray(gray(INK).astype(np.int32) * 257), "TIFF"),
    "TIFF, float": file(Image.fromarray(1 - INK), "TIFF"),
    "TIFF, float up to 255": file(Image.fromarray(255 * (1 - INK)), "TIFF"),
    "TIFF, CMYK": file(PLAIN.convert("CMYK"), "TIFF"),
}
GRAYS: dict[str, Any] = {  # fewer or more than a file has, in whole numbers
    "0 to 15 in bytes": np.rint(15 * INK).astype(np.uint8),
    "0 to 16, float": np.rint(16 * INK),
    "0 to 1,000": np.rint(1000 * (1 - INK)).astype(int),
    "0 to 1,000, float": np.rint(1000 * INK),
    "0 to 4,095": np.rint(4095 * INK).astype(np.uint16),
}
SHARP = {  # ink or paper, nothing in between
    "booleans": INK < 0.5,
    "0 and 1": (INK < 0.5).astype(int),
    "0 and 1 in bytes": (INK < 0.5).astype(np.uint8),
    "PNG, 1 bit": file(Image.fromarray(INK < 0.5)),
    "TIFF, 1 bit": file(Image.fromarray(INK < 0.5), "TIFF", compression="group4"),
}
LOSSY = {
    "JPEG": file(PLAIN, "JPEG"),
    "JPEG, RGB": file(PLAIN.convert("RGB"), "JPEG", quality=60),
    "JPEG, CMYK": file(PLAIN.convert("CMYK"), "JPEG"),
    "JPEG, navy on yellow": file(coloured(INK, "navy", "yellow"), "JPEG"),
    "WebP": file(PLAIN, "WEBP"),
}


@pytest.mark.parametrize("picture", PICTURES.values(), ids=PICTURES.keys())
def test_colours_and_kinds_of_file_do_not_matter(picture: Any) -> None:
    assert_ink(picture)


@pytest.mark.parametrize("picture", GRAYS.values(), ids=GRAYS.keys())
def test_the_greatest_value_is_full_light(picture: Any) -> None:
    assert_ink(picture)
    assert read_ink(picture).picture.max() == 255


def test_a_dim_array_stays_as_dim_as_its_file() -> None:
    dim = (gray(INK) // 4).astype(np.uint8)
    assert np.array_equal(read_ink(dim).picture, read_ink(file(Image.fromarray(dim))).picture)
    assert read_ink(dim).picture.max() == 63


@pytest.mark.parametrize("picture", SHARP.values(), ids=SHARP.keys())
def test_two_levels_are_enough(picture: Any) -> None:
    assert_ink(picture, (INK >= 0.5).astype(np.float32))


@pytest.mark.parametrize("picture", LOSSY.values(), ids=LOSSY.keys())
def test_compression_costs_little(picture: bytes) -> None:
    assert_ink(picture, tolerance=0.02)


@pytest.mark.parametrize("opacity", [0.8, 0.5, 0.4, 0.2])
def test_a_faint_brush_leaves_ink(opacity: float) -> None:
    assert_ink(on_nothing(INK, opacity=opacity), tolerance=0.01)


def test_ink_is_in_unit_range_and_beside_its_picture() -> None:
    got = read_ink(coloured(INK, "navy", "yellow"))
    assert (got.ink.dtype, got.ink.shape, got.scale) == (np.float32, INK.shape, 1)
    assert (got.ink.min(), got.ink.max()) == (0, 1)
    assert (got.picture.dtype, got.picture.shape) == (np.uint8, (*INK.shape, 3))
    assert got.picture[0, 0].tolist() == [255, 255, 0]


@pytest.mark.parametrize(
    ("picture", "word"), [(gray(INK), "dark"), (255 - gray(INK), "light")], ids=["dark", "light"]
)
def test_notes_say_which_is_ink(picture: NDArray[np.uint8], word: str) -> None:
    assert any(word + " ink" in note.lower() for note in read_ink(picture).notes)


# In EXIF's numbers: how an upright picture is turned and mirrored before it is stored.
TURNS = {
    1: None,
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF", "WEBP", "16-bit PNG"])
@pytest.mark.parametrize("orientation", TURNS)
def test_camera_rotation_is_undone(orientation: int, kind: str) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    ink = INK[:250]  # so that width and height differ
    values = gray(ink).astype(np.uint16) * 257 if kind == "16-bit PNG" else gray(ink)
    image = Image.fromarray(values)
    turn = TURNS[orientation]
    if turn is not None:
        image = image.transpose(turn)
    picture = file(image, kind.removeprefix("16-bit "), exif=exif)
    assert_ink(picture, ink, tolerance=0.02)


@pytest.mark.parametrize("side", [1601, 1800, 3201])
def test_a_large_array_is_shrunk(side: int) -> None:
    page = np.full((side, side - 100), 235, np.uint8)
    page[700:980, 900:1180] = np.minimum(gray(INK), 235)
    got = read_ink(page)
    assert max(got.ink.shape) <= MAX_SIDE
    assert got.scale == pytest.approx(side / max(got.ink.shape), rel=0.01)
    rows, columns = np.nonzero(got.ink > 0.3)
    own_rows, own_columns = np.nonzero(INK > 0.3)
    for found, own, start in ((rows, own_rows, 700), (columns, own_columns, 900)):
        assert found.min() * got.scale == pytest.approx(own.min() + start, abs=2 * got.scale)
        assert found.max() * got.scale == pytest.approx(own.max() + start, abs=2 * got.scale)


@pytest.mark.parametrize("side", [1601, 1700, 3201])
def test_a_large_blank_array_stays_blank(side: int) -> None:
    for value in (255, 128):
        assert not read_ink(np.full((side, 900), value, np.uint8)).ink.any()


@pytest.mark.parametrize("shape", [(40, 500_000), (500_000, 40), (3500, 3500)])
@pytest.mark.parametrize("kind", [np.uint16, np.float32])
def test_a_large_picture_costs_little_more_than_its_pixels(
    shape: tuple[int, int], kind: type
) -> None:
    picture = file(Image.fromarray(np.ones(shape, kind)), "TIFF")
    tracemalloc.start()
    got = read_ink(picture)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert max(got.ink.shape) <= MAX_SIDE
    assert peak < 3 * math.prod(shape) * 4 + 2 * 10**8


def test_hidden_noise_does_not_show_when_shrunk() -> None:
    page = read_ink(noisy_paper(2000, INK, 600))
    expected = read_ink(gray(np.pad(INK, ((600, 1120), (600, 1120)))))
    assert np.abs(page.ink - expected.ink).max() < 0.1


def test_array_and_file_are_shrunk_alike() -> None:
    page = gray(np.pad(INK, ((800, 920), (300, 1620))))
    array, from_file = read_ink(page), read_ink(file(Image.fromarray(page)))
    assert array.scale == from_file.scale
    assert np.abs(array.ink - from_file.ink).max() < 0.05


def test_the_callers_picture_is_left_alone() -> None:
    picture = file(Image.fromarray(np.pad(gray(INK), 1500, mode="edge")), "JPEG")
    image = Image.open(io.BytesIO(picture))
    read_ink(image)
    assert image.size == (3280, 3280)
    assert np.array_equal(np.asarray(image), np.asarray(Image.open(io.BytesIO(picture))))
    array = on_nothing(INK)
    read_ink(array)
    assert np.array_equal(array, on_nothing(INK))


BLANKS = {
    **{colour: Image.new("RGB", (280, 280), colour) for colour in ("white", "black", "red")},
    "yellow": Image.new("RGB", (280, 280), "#ffff80"),
    "gray": np.full((280, 280), 128, np.uint8),
    "transparent": np.zeros((280, 280, 4), np.uint8),
    "transparent white": np.full((280, 280, 4), (255, 255, 255, 0), np.uint8),
    "noise under alpha 0": noisy_paper(280, np.zeros((1, 1), np.float32), 0),
    "booleans": np.zeros((50, 50), bool),
    "1 x 1": np.zeros((1, 1), np.uint8),
    "1 x 10,000": np.full((1, 10_000), 255, np.uint8),
    "10,000 x 1": np.zeros((10_000, 1)),
    "grainy paper": SEED.normal(220, 6, (400, 300)).clip(0, 255).astype(np.uint8),
    "light falls off": np.tile(np.linspace(90, 240, 400), (300, 1)).astype(np.uint8),
    "noise": SEED.integers(0, 256, (300, 300)).astype(np.uint8),
    "JPEG": file(Image.new("RGB", (300, 200), "#d8c8a0"), "JPEG"),
    "a camera in the dark": file(Image.fromarray(np.eye(300, dtype=np.uint8))),
}


@pytest.mark.parametrize("picture", BLANKS.values(), ids=BLANKS.keys())
def test_blank_pictures_have_no_ink(picture: Any) -> None:
    assert not read_ink(picture).ink.any()


def png_that_claims(width: int, height: int) -> bytes:
    """A PNG file of one pixel whose header names a size: whoever decodes it finds it too short."""
    picture = file(Image.new("L", (1, 1)))
    header = b"IHDR" + struct.pack(">II", width, height) + picture[24:29]
    return picture[:12] + header + struct.pack(">I", zlib.crc32(header)) + picture[33:]


SVG = b'<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><path d="M1 1h7"/></svg>'
BAD_FILES = {
    "empty": (b"", "not a picture"),
    "text": (b"no picture\n", "not a picture"),
    "SVG": (SVG, "not a picture"),
    "truncated JPEG": (file(PLAIN, "JPEG")[:-900], "not a picture"),
    "truncated PNG": (file(PLAIN)[:-500], "not a picture"),
    "12,000 x 12,000": (png_that_claims(12_000, 12_000), "million"),
    "bomb": (png_that_claims(30_000, 30_000), "million"),
    "wide bomb": (png_that_claims(2_000_000_000, 2), "million"),
    "32-bit TIFF, unknown range": (
        file(Image.fromarray(gray(INK).astype(np.int32) << 20), "TIFF"),
        "values from",
    ),
    "TIFF with NaN": (file(Image.fromarray(INK * np.float32("nan")), "TIFF"), "values from nan"),
}


@pytest.mark.parametrize(("content", "message"), BAD_FILES.values(), ids=BAD_FILES.keys())
def test_file_that_cannot_be_read(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "digit.png"
    path.write_bytes(content)
    for picture in (path, str(path), content):
        with pytest.raises(PictureError, match=message) as caught:
            read_ink(picture)
        assert str(tmp_path) not in str(caught.value)
        assert "\n" not in str(caught.value)


def test_message_names_the_file(tmp_path: Path) -> None:
    path = tmp_path / "holiday.png"
    path.write_bytes(b"no picture")
    with pytest.raises(PictureError, match=r"^holiday\.png is not a picture"):
        read_ink(path)


BAD_ARRAYS: dict[str, tuple[Any, str]] = {
    "NaN": (np.full((9, 9), np.nan), "values from nan"),
    "one NaN": (np.where(np.eye(9) > 0, np.nan, 0.5), "values from nan"),
    "infinite": (np.full((9, 9), np.inf), "values from inf"),
    "negative": (-gray(INK).astype(int), "values from -255 to 0"),
    "too large": (gray(INK).astype(float) * 1e6, "values from"),
    "no rows": (np.zeros((0, 9), np.uint8), "no pixels"),
    "no columns": (np.zeros((9, 0, 3)), "no pixels"),
    "no channels": (np.zeros((9, 9, 0)), r"shape \(9, 9, 0\)"),
    "five channels": (np.zeros((9, 9, 5)), r"shape \(9, 9, 5\)"),
    "one axis": (np.zeros(784), r"shape \(784,\)"),
    "no axis": (np.array(0.5), r"shape \(\)"),
    "a batch": (np.zeros((1, 3, 28, 28)), r"shape \(1, 3, 28, 28\)"),
    "objects": (np.array([[1, None]], object), "object"),
    "strings": (np.array([["7"]]), "<U1"),
    "complex": (np.zeros((9, 9), complex), "complex"),
    "dates": (np.zeros((9, 9), "datetime64[s]"), "datetime64"),
    "12,000 x 12,000": (np.broadcast_to(np.uint8(0), (12_000, 12_000)), "12,?000 x 12,?000"),
}


@pytest.mark.parametrize(("array", "message"), BAD_ARRAYS.values(), ids=BAD_ARRAYS.keys())
def test_array_that_is_not_a_picture(array: NDArray[Any], message: str) -> None:
    with pytest.raises(PictureError, match=message):
        read_ink(array)


@pytest.mark.parametrize("thing", [None, 7, object(), (1, 2), {"layers": []}])
def test_other_things_are_not_pictures(thing: Any) -> None:
    with pytest.raises(PictureError, match=f"a {type(thing).__name__} is not a picture; give"):
        read_ink(thing)


BAD_THINGS: dict[str, tuple[Any, str]] = {
    "rows of two lengths": ([[1, 2], [3]], "this list is not a picture; all of its rows"),
    "a list of names": ([["a.png"]], "an array of <U5 is not a picture"),
    "a list of tensors": (
        [torch.zeros(5, dtype=torch.bfloat16)] * 5,
        "this list is not a picture",
    ),
    "a list of numbers": ([1, 2], r"shape \(2,\)"),
    "a batch": (torch.zeros(1, 3, 9, 9), r"shape \(1, 3, 9, 9\).*a tensor may be \(1 to 4, H, W\)"),
    "sparse": (torch.zeros(9, 9).to_sparse(), "sparse_coo, on cpu is not a picture; it must"),
    "without data": (torch.zeros(9, 9, device="meta"), "on meta is not a picture"),
    "normalised": ((torch.eye(9) - 0.13) / 0.31, "values from -0.4.* from 0 to 65,535"),
    "an empty editor": ({"background": None, "composite": None}, "the editor's picture is empty"),
    "a damaged data URL": ("data:image/png;base64,abc", "the data URL is damaged"),
    "a data URL of text": ("data:image/png,abc", "the data is not a picture"),
}


@pytest.mark.parametrize(("thing", "message"), BAD_THINGS.values(), ids=BAD_THINGS.keys())
def test_why_a_thing_is_not_a_picture(thing: Any, message: str) -> None:
    with pytest.raises(PictureError, match=message):
        read_ink(thing)


def test_missing_file(tmp_path: Path) -> None:
    path = tmp_path / "none.png"
    for picture in (path, str(path)):
        with pytest.raises(FileNotFoundError, match=f"no picture {path}"):
            read_ink(picture)


@pytest.mark.parametrize("name", ["no\0ne", "data:image/png;base64," + 5000 * "A"])
def test_text_that_is_not_a_path(name: str) -> None:
    with pytest.raises((FileNotFoundError, PictureError)) as caught:
        read_ink(name)
    assert len(str(caught.value)) < 200


def test_a_folder_is_called_a_folder(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=f"{tmp_path.name}: it is a folder"):
        read_ink(tmp_path)


def test_an_empty_name() -> None:
    with pytest.raises(FileNotFoundError, match="no picture ''"):
        read_ink("")


def test_the_error_names_the_largest_size() -> None:
    with pytest.raises(PictureError, match=f"{MAX_PIXELS // 10**6} million"):
        read_ink(png_that_claims(11_000, 11_000))


@pytest.mark.parametrize("shape", [(3, 3), (4, 3), (2, 7)])
def test_ink_of_one_strength_divides_nothing_by_zero(shape: tuple[int, int]) -> None:
    """The contrast of most of the picture is that of its strongest ink."""
    rng = np.random.default_rng(0)
    for _ in range(100):
        dark, light = np.sort(rng.uniform(0, 1, 2))
        got = read_ink(rng.choice([dark, light], shape))
        assert np.isfinite(got.ink).all()


def assert_ink_or_picture_error(picture: Any) -> None:
    try:
        got = read_ink(picture)
    except PictureError as error:
        assert str(error)  # noqa: PT017 - not raising is right, too
        return
    assert got.ink.dtype == np.float32
    assert got.ink.min() >= 0
    assert got.ink.max() <= 1
    assert got.picture.shape == (*got.ink.shape, 3)
    assert got.scale >= 1


@given(st.binary(max_size=300))
@few
def test_any_bytes(content: bytes) -> None:
    assert_ink_or_picture_error(content)


SMALL = PLAIN.resize((40, 40))
KINDS = ("PNG", "JPEG", "GIF", "BMP", "TIFF", "WEBP", "PPM", "TGA", "ICO", "PCX", "JPEG2000")
FILES = [file(SMALL, kind) for kind in KINDS]


@given(
    st.sampled_from(FILES),
    st.lists(st.tuples(st.floats(0, 1), st.integers(0, 255)), max_size=8),
    st.floats(0.05, 1),
)
@settings(few, max_examples=150)
def test_damaged_files(content: bytes, damage: list[tuple[float, int]], kept: float) -> None:
    damaged = bytearray(content)
    for place, value in damage:
        damaged[int(place * (len(damaged) - 1))] = value
    assert_ink_or_picture_error(bytes(damaged[: int(kept * len(damaged))]))


NUMBERS = (
    arrays.boolean_dtypes()
    | arrays.integer_dtypes()
    | arrays.unsigned_integer_dtypes()
    | arrays.floating_dtypes()
)
OTHERS = arrays.complex_number_dtypes() | arrays.unicode_string_dtypes(max_len=2)
SHAPES = st.tuples(st.integers(0, 30), st.integers(0, 30)) | st.tuples(
    st.integers(1, 12), st.integers(1, 12), st.integers(1, 4)
)


@given(arrays.arrays(NUMBERS | OTHERS, SHAPES | arrays.array_shapes(min_dims=0, max_dims=4)))
@settings(few, max_examples=150)
def test_any_array(array: NDArray[Any]) -> None:
    assert_ink_or_picture_error(array)


Maker = Callable[[Plane], Any]
STYLES: dict[str, Maker] = {
    "white on black": lambda ink: 255 - gray(ink),
    "black on transparent": on_nothing,
    "white on transparent": lambda ink: on_nothing(ink, 255),
}


@given(
    st.sampled_from("0123456789"),
    st.integers(40, 230),
    st.floats(0.06, 0.16),
    st.sampled_from(list(STYLES)),
)
@few
def test_polarity_and_transparency_do_not_matter(
    name: str, height: int, pen: float, style: str
) -> None:
    ink = digit(name, height, pen * height)
    expected = read_ink(gray(ink)).ink
    assert np.allclose(read_ink(STYLES[style](ink)).ink, expected, atol=0.01)


@pytest.mark.parametrize("turn", [0, 30])
def test_a_small_card_on_nothing_is_a_picture(turn: int) -> None:
    card = Image.fromarray(gray(digit("5"))).convert("RGBA").rotate(turn, expand=True)
    page = Image.new("RGBA", (1000, 900), (0, 0, 0, 0))
    page.paste(card, (200, 100))
    got = read_ink(page)
    assert got.notes[0] == "Transparent: laid on white."
    assert got.ink.mean() < 0.02  # the digit, not the card


def test_strokes_of_two_colours_on_nothing_are_ink() -> None:
    page = on_nothing(INK)
    page[:140, :, :3] = (200, 30, 30)
    assert read_ink(page).notes[0] == "Transparent: laid on white."
    assert read_ink(page).ink[INK > 0.9].min() > 0.5
