"""What the page's endpoints answer to programs, as JSON schemas."""

from typing import Any

from mnistcore.reading.recognizer import DIGIT, NOT_A_DIGIT, UNSURE

Schema = dict[str, Any]

WORDS, WHOLE, NUMBER = {"type": "string"}, {"type": "integer"}, {"type": "number"}
VERDICT = {"enum": [DIGIT, UNSURE, NOT_A_DIGIT]}


def list_of(items: Schema, description: str = "") -> Schema:
    """The JSON schema of a list."""
    return {"type": "array", "items": items, "description": description}


def object_of(**properties: Schema) -> Schema:
    """The JSON schema of an object."""
    return {"type": "object", "properties": properties}


READING = object_of(
    text=WORDS | {"description": "the number; several lines are parted by newlines"},
    verdict=VERDICT,
    reason=WORDS | {"description": "of the verdict, in words; empty where it is digit"},
    digits=list_of(
        object_of(
            label=WHOLE,
            verdict=VERDICT,
            reason=WORDS,
            box=list_of(WHOLE, "left, top, right, bottom in pixels"),
            probs=list_of(NUMBER, "of 0 to 9, calibrated"),
            probs_by_model={"type": "object", "additionalProperties": list_of(NUMBER)},
        ),
        "line by line, left to right",
    ),
)
MAPS = object_of(
    model=WORDS,
    image=list_of(list_of(NUMBER), "28 rows of 28: the digit as the net reads it"),
    maps={
        "type": "object",
        "additionalProperties": list_of(list_of(list_of(NUMBER))),
        "description": "of each layer: maps, rows, columns",
    },
)
