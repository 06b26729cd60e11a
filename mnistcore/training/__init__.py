"""From data to weights: distortion, recipes, the loop."""
