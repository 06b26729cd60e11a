"""What the page's events call, from Gradio's inputs to the JSON that the page's scripts draw.

Gradio shows a ``gr.Error`` to the visitor; every other exception is logged.
"""

import base64
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import gradio as gr
import numpy as np
from numpy.typing import NDArray

from mnistcore.atlas import Atlas, Atlases
from mnistcore.change import CHANGES
from mnistcore.models import model_name
from mnistcore.page import atlas_view, hand, results_view, views
from mnistcore.page.guard import is_upload, reject_bad_input, user_error
from mnistcore.page.yours import AT, Find, NetGoneError, Nets, find_own
from mnistcore.reading.picture import PictureError
from mnistcore.reading.recognizer import Reading, Recognizer
from mnistcore.results import Results, load_results
from mnistcore.why import Explanation, explain

NO_ATLAS = (
    "These weights have no map of training digits. Whoever runs this page can make one "
    "with `mnistcore atlas`."
)

NO_ATLAS_OF_OWN = (
    "A net of your own has no map of training digits: each map is computed from one "
    "net, and the page has maps only for its own nets."
)


def parse_drawing(value: str | None) -> tuple[int, bytes | None]:
    """The canvas's "<number> <data URL>" -> the drawing's number and image, None if it is empty.

    Raises:
        ValueError: the value does not come from the canvas.
    """
    number, _, url = (value or "0 ").partition(" ")
    return int(number), decode_data_url(url) if url else None


def parse_choice(value: str) -> tuple[str, str]:
    """What is chosen at the top, "MyVggNet conv2" -> the net and the stage whose maps are shown.

    All five nets, "all conv1", have no maps of their own: those of ``views.NET_OF_ALL`` are shown.
    """
    net, _, layer = value.partition(" ")
    return net, f"{views.NET_OF_ALL if net == views.ALL else net} {layer}"


def parse_change(question: dict[str, Any]) -> tuple[NDArray[np.float32], str, dict[str, float]]:
    """The digit, the net, and how much of each change is asked for.

    Raises:
        ValueError: the digit is not one, or an amount is out of range.
        KeyError: there is no such change.
    """
    image = views.unpack_digit(question["image"])
    amounts = {str(name): float(amount) for name, amount in question["amounts"].items()}
    for name, amount in amounts.items():
        low, high = CHANGES[name].low, CHANGES[name].high
        if not low <= amount <= high:
            raise ValueError(f"{name} is {amount}; it must be from {low} to {high}")
    return image, str(question["net"]), amounts


def decode_data_url(url: str) -> bytes:
    """The content of a base64 data URL.

    Raises:
        ValueError: it is not base64.
    """
    return base64.b64decode(url.partition("base64,")[2])


def parse_picture(value: Any) -> bytes | None:
    """The content of a picture that a client sent; None if it sent none.

    Args:
        value: Gradio's file as JSON, with the ``path`` of an upload or a data URL as ``url``. Also
            a bare path or data URL.

    Raises:
        gr.Error: the file is not an upload, or no longer there.
        TypeError, ValueError: the value is not a picture at all.
    """
    file = value if isinstance(value, dict) else {"path": value, "url": value}
    path, url = file.get("path"), file.get("url")
    if isinstance(url, str) and url.startswith("data:"):
        return decode_data_url(url)
    if path is None and url is None:
        return None
    if path is None or not is_upload(Path(path)):
        raise user_error(
            "Please upload the picture, from Python with gradio_client.handle_file(path); "
            "file paths and URLs are not accepted."
        )
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise user_error(
            "The picture is no longer on the server. Please upload it again."
        ) from error


def read_picture(recognizer: Recognizer, content: bytes | None, model: str) -> Reading:
    """Read a picture file.

    Raises:
        gr.Error: there is no picture, or it cannot be read.
    """
    if content is None:
        raise user_error("There is no picture.")
    try:
        return recognizer.read(content, model)
    except PictureError as error:
        sentence = str(error).replace("the data", "this file", 1)
        raise user_error(f"{sentence[0].upper()}{sentence[1:]}.") from error


@dataclass(frozen=True)
class Handlers:
    """The handlers of the page's events, which are numbered: each answer repeats the number.

    Wherever a net is named, it may be a visitor's own, "LeNet@<token>".
    """

    recognizer: Recognizer
    find: Find = lambda _: None

    @cached_property
    def _nets(self) -> Nets:
        return Nets(self.recognizer, self.find)

    def show(self, content: bytes | None, choice: str, **extra: Any) -> tuple[str, str, str]:
        """What the three views show of a picture, as JSON; without a picture they are empty.

        Args:
            content: an image file.
            choice: the net whose answer is shown and the layer whose maps are; see
                :func:`parse_choice`.
            extra: what each view gets besides.

        Raises:
            gr.Error: the picture cannot be read.
        """
        model, stage = parse_choice(choice)
        try:
            recognizer, net = self._nets.of(model)
        except NetGoneError:
            content, extra = None, extra | {"gone": True}
        if content is None:
            empty = views.to_json({"model": model} | extra)
            return empty, empty, empty
        reading = read_picture(recognizer, content, net)
        answer, maps = views.answer_data(reading), {}
        if reading.digits:
            if recognizer is not self.recognizer:
                self._add_shared(answer, reading, model, net)
            maps = self._maps(reading.digits[0].image, stage)
            maps["digits"] = [views.pack(digit.image) for digit in reading.digits]
        extra |= {"model": model, "drawn": True}
        return (
            views.to_json(answer | extra),
            views.to_json(views.steps_data(reading) | extra),
            views.to_json(maps | extra),
        )

    def _add_shared(self, answer: dict[str, Any], reading: Reading, model: str, net: str) -> None:
        """Add what the shared nets say about the digits that a visitor's own net has read.

        Args:
            answer: gets it.
            reading: by the own net.
            model: its name on the page.
            net: its name in the reading.
        """
        shared, took = self.recognizer.probs(np.stack([digit.image for digit in reading.digits]))
        answer["milliseconds"] = took | {model: answer["milliseconds"][net]}
        for i, digit in enumerate(answer["digits"]):
            own = digit["probs_by_model"][net]
            others = {name: probs[i].tolist() for name, probs in shared.items()}
            digit["probs_by_model"] = others | {model: own}
            digit["reason"] = digit["reason"].replace(net, f"your {net}")

    def _stage(self, stage: str) -> tuple[Recognizer, str]:
        """The recognizer that has the net of a stage, "LeNet conv1", and the stage's name there."""
        name, _, layer = stage.partition(" ")
        recognizer, net = self._nets.of(name)
        return recognizer, f"{net} {layer}"

    def _maps(self, image: NDArray[np.float32], stage: str) -> dict[str, Any]:
        recognizer, there = self._stage(stage)
        return views.maps_data(recognizer, image, there) | {"stage": stage}

    @reject_bad_input
    def show_drawing(
        self, value: str | None, choice: str, asked: float | None
    ) -> tuple[str, str, str]:
        """The views of what is on the canvas."""
        number, content = parse_drawing(value)
        return self.show(content, choice, number=number, asked=asked)

    @reject_bad_input
    def show_picture(
        self, path: str | None, choice: str, asked: float | None
    ) -> tuple[str, str, str]:
        """The views of an uploaded picture; they are empty, with an ``error``, if it is unreadable.

        Not a gr.Error, which would leave the views of the picture before and show a toast.
        """
        try:
            return self.show(parse_picture(path or None), choice, asked=asked)
        except gr.Error as error:
            return self.show(None, choice, asked=asked, error=error.message)

    @reject_bad_input
    def show_again(
        self, drawing: str | None, picture: str | None, choice: str, asked: float | None
    ) -> tuple[str, str, str]:
        """The views of the drawing, or of the picture if there is no drawing."""
        if drawing is None:
            return self.show_picture(picture, choice, asked)
        return self.show_drawing(drawing, choice, asked)

    @reject_bad_input
    def look(self, question: dict[str, Any]) -> dict[str, Any]:
        """The maps of a stage on a digit."""
        return self._maps(views.unpack_digit(question["digit"]), str(question["stage"]))

    @reject_bad_input
    def arithmetic(self, question: dict[str, Any]) -> dict[str, Any]:
        """The arithmetic behind a pixel of a map."""
        place = [int(question[key]) for key in ("channel", "row", "column")]
        digit, stage = views.unpack_digit(question["digit"]), str(question["stage"])
        recognizer, there = self._stage(stage)
        name = str(question["name"])
        return views.arithmetic_data(recognizer, digit, there, name, *place) | {"stage": stage}

    @reject_bad_input
    def units(self, question: dict[str, Any]) -> dict[str, Any]:
        """The linear layers of a net for a digit."""
        recognizer, net = self._nets.of(str(question["net"]))
        return views.units_data(recognizer, views.unpack_digit(question["image"]), net)

    @reject_bad_input
    def unit(self, question: dict[str, Any]) -> dict[str, Any]:
        """The arithmetic behind a unit of a linear layer."""
        recognizer, net = self._nets.of(str(question["net"]))
        image, name = views.unpack_digit(question["image"]), str(question["name"])
        return views.unit_data(recognizer, image, net, name, int(question["unit"]))

    @cached_property
    def _atlases(self) -> Atlases:
        return Atlases(self.recognizer)

    def _atlas_of(self, question: dict[str, Any]) -> Atlas:
        """The atlas of the net that a question is about.

        Raises:
            gr.Error: it has none.
        """
        if AT in str(question["net"]):
            raise user_error(NO_ATLAS_OF_OWN)
        net = model_name(str(question["net"]))
        try:
            return self._atlases.of(net)
        except (FileNotFoundError, ValueError) as error:
            raise user_error(NO_ATLAS) from error

    @reject_bad_input
    def atlas(self, question: dict[str, Any]) -> dict[str, Any]:
        """The map of a net's atlas; an ``error`` in a sentence if it has none."""
        try:
            return atlas_view.atlas_data(self._atlas_of(question))
        except gr.Error as error:
            return {"error": error.message}

    @reject_bad_input
    def nearest(self, question: dict[str, Any]) -> dict[str, Any]:
        """The training digits that a net finds most like a digit."""
        self._atlas_of(question)
        image, net = views.unpack_digit(question["image"]), model_name(str(question["net"]))
        return atlas_view.neighbours_data(self._atlases, image, net)

    @reject_bad_input
    def training_digit(self, question: dict[str, Any]) -> dict[str, Any]:
        """One digit of an atlas."""
        return atlas_view.digit_data(self._atlas_of(question), int(question["index"]))

    @reject_bad_input
    def export_digits(self, question: dict[str, Any]) -> dict[str, str]:
        """A visitor's own digits as a zip, in base64."""
        digits = hand.parse_digits(question["digits"])
        return {"zip": base64.b64encode(hand.pack_digits(digits)).decode()}

    @reject_bad_input
    def import_digits(self, question: dict[str, Any]) -> dict[str, Any]:
        """The digits in a zip that the page has exported, or an ``error`` in a sentence."""
        try:
            found = hand.unpack_digits(base64.b64decode(question["zip"]))
        except ValueError as error:
            return {"error": str(error)}
        return {
            "digits": [
                {"label": label, "image": base64.b64encode(image.tobytes()).decode()}
                for label, image in found
            ]
        }

    @reject_bad_input
    def change(self, question: dict[str, Any]) -> dict[str, Any]:
        """A digit that has been changed, and its probabilities."""
        image, name, amounts = parse_change(question)
        recognizer, net = self._nets.of(name)
        return views.change_data(recognizer, image, net, amounts)

    @reject_bad_input
    def curves(self, question: dict[str, Any]) -> dict[str, Any]:
        """The probabilities of a digit over the range of each change."""
        image, name, amounts = parse_change(question)
        recognizer, net = self._nets.of(name)
        return views.curves_data(recognizer, image, net, amounts)

    @reject_bad_input
    def flip(self, question: dict[str, Any]) -> dict[str, Any]:
        """The smallest change in the ink that gives another answer."""
        recognizer, net = self._nets.of(str(question["net"]))
        return views.flip_data(recognizer, views.unpack_digit(question["image"]), net)

    @reject_bad_input
    def why(self, question: dict[str, Any]) -> dict[str, Any]:
        """Why nets say one digit and not another."""
        image = views.unpack_digit(question["image"])
        digits = [None if d is None else int(d) for d in (question["digit"], question["other"])]
        first, *others = (str(name) for name in question["nets"])
        recognizer, net = self._nets.of(first)
        if recognizer is self.recognizer:
            return views.why_data(explain(recognizer, image, [first, *others], *digits))
        own = explain(recognizer, image, [net], *digits)
        nets = {first: own.nets[net]}
        if others:  # the shared nets, about the digits that a visitor's own is asked about
            nets |= explain(self.recognizer, image, others, own.digit, own.other).nets
        return views.why_data(Explanation(own.digit, own.other, own.probs, nets))

    @reject_bad_input
    def show_results(self, choice: str) -> tuple[str, str]:
        """The benchmark's table, and the chosen net's errors."""
        chosen = parse_choice(choice)[0]
        own, net = find_own(chosen, self.find), chosen.partition(AT)[0]
        data = dict(results_view.results_data(read_results(), chosen if own else net, own))
        top = {key: data.pop(key) for key in ("chosen", "words", "notes", "rows", "seeds")}
        return views.to_json(top), views.to_json(data)


def read_results() -> Results:
    """The results that the Benchmark tab shows.

    Raises:
        gr.Error: they are missing or damaged, which is not the visitor's fault.
    """
    try:
        return load_results()
    except (OSError, ValueError) as error:
        raise gr.Error("The server's results cannot be read.") from error


def show_curves() -> Any:
    """Accuracy over epochs, as a table for Gradio's plot."""
    import pandas as pd  # type: ignore[import-untyped] # only the Benchmark tab needs it

    return pd.DataFrame(results_view.accuracy_curves(read_results()))


@reject_bad_input
def put_on_canvas(event: gr.EventData) -> tuple[Any, Any, str]:
    """Open the canvas with the misread digit that was clicked."""
    digit = views.mnist_test_images()[int(event.index)]
    return gr.Tabs(selected="read"), gr.Tabs(selected="draw"), f"0 {views.png_url(digit)}"
