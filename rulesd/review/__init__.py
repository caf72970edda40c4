"""The queue of alerts that people look at afterwards."""
