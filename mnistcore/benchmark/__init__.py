"""From weights to results: what is measured, on what, and the tables made of it."""
