"""The HTTP door: events in, health and metrics out, people's acts, the console and the runbooks."""
