"""A recognizer for a page, where the same drawing is read again and again."""

import hashlib
import threading
from collections import OrderedDict
from typing import Any

from mnistcore.reading.picture import Picture
from mnistcore.reading.recognizer import Examined, Recognizer

MAX_DRAWINGS = 100  # the newest; each takes half a megabyte, with what the nets said about it
MAX_CACHED_PIXELS = (
    30_000  # of a cached picture: the canvas sends fewer; photographs would fill memory
)


class CachedRecognizer(Recognizer):
    """A recognizer that examines each of the latest drawings once, whichever net is chosen.

    The page sends a drawing again when another net is chosen or when a stroke changes nothing.
    """

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self._examined: OrderedDict[bytes, Examined] = OrderedDict()  # by hash, the newest last
        self._examined_lock = threading.Lock()

    def examine(self, picture: Picture) -> Examined:
        """A picture and its pieces of ink; see :meth:`Recognizer.examine`."""
        if not isinstance(picture, bytes):
            return super().examine(picture)
        key = hashlib.sha256(picture).digest()
        with self._examined_lock:
            examined = self._examined.get(key)
        if examined is None:
            examined = super().examine(picture)
        if examined.plane.ink.size <= MAX_CACHED_PIXELS:
            with self._examined_lock:
                self._examined[key] = examined
                self._examined.move_to_end(key)
                if len(self._examined) > MAX_DRAWINGS:
                    self._examined.popitem(last=False)
        return examined
