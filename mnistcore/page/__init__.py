"""The page behind demo.py: what it shows, how it answers, what guards it."""
