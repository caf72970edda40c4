"""The demo: the real daemon between simulated assistants and stand-ins for Slack and PagerDuty.

Law: nothing of the daemon is imitated here. It is started as a process of its own, fed over MQTT and HTTP, and judged by the HTTP
requests that arrive at the other end. What is expected of it stands in ``planted.py``; what came is counted in ``score.py``.
"""
