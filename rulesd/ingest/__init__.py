"""From bytes to events: one decode, every fault named, nothing raw left behind."""
