"""From a picture to an answer: its ink, the digits on it, what the nets say."""
