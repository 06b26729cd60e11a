"""Our own pens: what they write (font.py) and how it is drawn (strokes.py)."""
