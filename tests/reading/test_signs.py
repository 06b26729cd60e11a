import numpy as np
import pytest
from PIL import Image, ImageDraw

from mnistcore.benchmark.scenes import Pixels
from mnistcore.reading.recognizer import NOT_A_DIGIT, UNSURE, read
from tests.tools.pictures import gray, pen

HEIGHT, WIDTH = 80, 9  # pixels, of digits and of their strokes


def write_signs(text: str, dot: int = WIDTH) -> Pixels:
    """Digits and signs on white, on one line."""
    image = Image.new("L", (60 * len(text) + 120, 3 * HEIGHT), 255)
    draw = ImageDraw.Draw(image)
    left, base = 60, 2 * HEIGHT
    middle, top = base - HEIGHT // 2, base - HEIGHT

    def touch(x: int, y: int) -> None:
        draw.ellipse((x, y - dot, x + dot, y), fill=0)

    for letter in text:
        if letter.isdigit():
            ink = Image.fromarray(gray(pen(letter, HEIGHT, WIDTH)))
            image.paste(ink, (left, top))
            left += ink.width + 12
        elif letter == "-":
            draw.line((left, middle, left + 30, middle), fill=0, width=WIDTH)
            left += 42
        elif letter == "/":
            draw.line((left, base + 14, left + 36, top - 14), fill=0, width=WIDTH)
            left += 46
        elif letter == ".":
            touch(left, base)
            left += 22
        elif letter == ",":
            draw.line((left + 5, base - 6, left, base + 16), fill=0, width=WIDTH)
            left += 22
        else:
            touch(left, base - 12)
            touch(left, middle - 10)
            left += 22
    return np.asarray(image)


@pytest.mark.parametrize("text", ["9.6", "-54", "12/05/24", "611-8186", "8:05", "3,75"])
def test_signs_are_read_between_digits(text: str) -> None:
    reading = read(write_signs(text))
    assert reading.text == text
    signs = [letter for letter in text if not letter.isdigit()]
    assert [sign.character for sign in reading.signs] == signs
    assert "".join(str(digit.label) for digit in reading.digits) == "".join(
        letter for letter in text if letter.isdigit()
    )
    (first, *_) = reading.summary()["signs"]
    assert (first["kind"], first["character"]) == ("sign", signs[0])
    assert 0.5 < first["sure"] <= 1


def test_a_point_that_may_be_a_speck_is_unsure() -> None:
    reading = read(write_signs("9.6", dot=5))
    assert reading.verdict == UNSURE
    assert "a point" in reading.reason


def test_a_sign_beside_what_is_not_a_digit_is_none() -> None:
    picture = write_signs("-").copy()
    ImageDraw.Draw(image := Image.fromarray(picture)).ellipse((130, 80, 180, 160), fill=0)
    reading = read(np.asarray(image))
    assert (reading.text, reading.signs) == ("", ())


@pytest.mark.parametrize("text", ["-", "."])
def test_a_sign_without_digits_is_not_a_digit(text: str) -> None:
    reading = read(write_signs(text))
    assert (reading.text, reading.verdict, reading.signs) == ("", NOT_A_DIGIT, ())
