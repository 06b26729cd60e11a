"""What programs can ask the page, over HTTP and MCP; Gradio derives the API's schema from here."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypedDict

import gradio as gr

from mnistcore.models import list_models
from mnistcore.page import views
from mnistcore.page.guard import reject_bad_input, user_error
from mnistcore.page.handlers import parse_picture, read_picture
from mnistcore.reading.recognizer import Digit, Recognizer
from mnistcore.why import explain

NETS = list_models()

Verdict = Literal["digit", "unsure", "not a digit"]
if TYPE_CHECKING:
    Net = str
    AnyModel = str
else:  # for Gradio, which lists the choices in the schema
    Net = Literal[tuple(NETS)]
    AnyModel = Literal[(views.ALL, *NETS)]


class DigitAnswer(TypedDict):
    """One digit of a picture."""

    label: int
    candidates: list[int]  # the likely digits, best first
    verdict: Verdict
    reason: str
    box: list[int]  # left, top, right, bottom in pixels
    probs: list[float]  # of 0 to 9, calibrated
    probs_by_model: dict[str, list[float]]


class SignAnswer(TypedDict):
    """One sign of a picture."""

    kind: Literal["sign"]
    character: str  # "-", "/", ".", "," or ":"
    box: list[int]  # left, top, right, bottom in pixels
    sure: float  # its certainty, 0 to 1
    reason: str  # of a doubt, in words


class ReadingAnswer(TypedDict):
    """What is on a picture."""

    text: str  # the number with its signs; lines are separated by newlines
    verdict: Verdict
    reason: str  # for the verdict, in words; empty if it is "digit"
    digits: list[DigitAnswer]  # line by line, left to right
    signs: list[SignAnswer]  # line by line, left to right


class MapsAnswer(TypedDict):
    """The feature maps that a net computes for a digit."""

    model: str
    image: list[list[float]]  # 28 rows of 28: the digit as the net reads it
    maps: dict[str, list[list[list[float]]]]  # by layer: maps, rows, columns


class WhyAnswer(TypedDict):
    """How much the ink of a digit supports one digit and counts against another."""

    model: str
    image: list[list[float]]  # 28 rows of 28: the digit as the net reads it
    digit: int
    why_not: int
    pixels: list[list[float]]  # 28 rows of 28, in logits: above zero for the digit
    difference: float  # logit of the digit minus that of the other
    without_ink: float  # the same for a blank image; the pixels add up to what lies between


def find_model(name: Any, choices: list[str]) -> str:
    """The choice with that name, in any case.

    Raises:
        gr.Error: there is none.
    """
    for choice in choices:
        if choice.lower() == str(name).lower():
            return choice
    raise user_error(f"There is no model {str(name)[:40]!r}; choose from {', '.join(choices)}.")


@dataclass(frozen=True)
class Endpoints:
    """The functions behind ``/read``, ``/maps`` and ``/explain``.

    Clients and models see their docstrings.
    """

    recognizer: Recognizer

    @reject_bad_input
    def read_digits(self, picture: gr.FileData, model: AnyModel = views.ALL) -> ReadingAnswer:
        """Read the handwritten digits in a picture with five nets trained on MNIST.

        The picture may be a drawing, a scan or a photograph, dark on light or light on dark, with
        one digit or numbers on several lines. Letters and printed digits are not supported. If a
        verdict is "unsure", "candidates" lists the likely digits; if it is "not a digit", ignore
        the label. The model is the net whose answer counts; "all" is the mean of the five.

        Args:
            picture: the picture
            model: the net whose answer counts; "all" is the mean of the five

        Returns:
            text (the number with its signs; lines are separated by newlines)
            verdict (digit, unsure or not a digit) and its reason in words
            digits (the label, candidates, verdict, box in pixels and probabilities of each)
            signs (the character, box in pixels and certainty of each)
        """
        name = find_model(model, [views.ALL, *NETS])
        answer: Any = read_picture(self.recognizer, parse_picture(picture), name).summary()
        return answer

    @reject_bad_input
    def feature_maps(
        self, picture: gr.FileData, model: Net = NETS[0], layer: str = ""
    ) -> MapsAnswer:
        """Look inside a net: the feature maps that its layers compute for a picture's first digit.

        All layers together are a great many numbers. Ask for one layer, such as "conv2+relu+pool";
        an empty name means all of them. Later layers are smaller.

        Args:
            picture: the picture
            model: the name of the net
            layer: a layer's name, such as "conv2+relu+pool"; empty for all of them

        Returns:
            image (the digit as the net reads it, 28 rows of 28)
            maps (for each layer, a list of maps, each a list of rows)
        """
        name = find_model(model, NETS)
        image = self._first_digit(picture, name).image
        stages = views.feature_maps(self.recognizer, image, name).values()
        maps = {key: planes for stage in stages for key, planes in stage.items()}
        if layer and layer not in maps:
            raise user_error(f"{name} has no such layer; choose from {', '.join(maps)}.")
        return {
            "model": name,
            "image": image.tolist(),
            "maps": {key: maps[key].tolist() for key in ([layer] if layer else maps)},
        }

    @reject_bad_input
    def explain(self, picture: gr.FileData, model: Net = NETS[0], why_not: int = -1) -> WhyAnswer:
        """Find out why a net says this digit and not another, for a picture's first digit.

        Each pixel of the digit gets a number: above zero, its ink supports the answer; below,
        the other digit. They are integrated gradients of the difference of the two logits, starting
        from a blank image, and add up to the change that the ink makes in that difference.

        Args:
            picture: the picture
            model: the name of the net
            why_not: the other digit, 0 to 9; -1 for the net's second choice

        Returns:
            digit (what the net says) and why_not (the other digit)
            pixels (28 rows of 28 numbers, in logits)
            difference (logit of the digit minus that of the other) and the same without_ink
        """
        name = find_model(model, NETS)
        if why_not not in range(-1, 10):
            raise user_error(f"There is no digit {why_not}; choose from 0 to 9, or -1.")
        digit = self._first_digit(picture, name)
        if why_not == digit.label:
            raise user_error(f"{name} says {why_not}. Please choose another digit.")
        other = None if why_not == -1 else why_not
        (found,) = explain(self.recognizer, digit.image, [name], digit.label, other).nets.values()
        return {
            "model": name,
            "image": digit.image.tolist(),
            "digit": found.digit,
            "why_not": found.other,
            "pixels": found.pixels.tolist(),
            "difference": found.difference,
            "without_ink": found.blank,
        }

    def _first_digit(self, picture: Any, net: str) -> Digit:
        digits = read_picture(self.recognizer, parse_picture(picture), net).digits
        if not digits:
            raise user_error("There is no digit in the picture.")
        return digits[0]
