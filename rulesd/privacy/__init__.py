"""What may be kept of an event, and how the rest is made unreadable before anything is stored."""
