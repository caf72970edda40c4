"""Pages on their way out: composing them, and the channels that carry them."""
