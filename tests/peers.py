"""Find the real programs that some tests talk to.

A missing peer skips the test on a developer's machine and fails it under ``make test`` (``RULESD_REQUIRE_PEERS=1``), so that
a green run never means "not tried".
"""

import os
import shutil
from collections.abc import Mapping

import pytest

PACKAGES: Mapping[str, str] = {
    "mosquitto": "mosquitto",
    "mosquitto_passwd": "mosquitto",
    "amtool": "prometheus-alertmanager",
    "prometheus": "prometheus",
    "prometheus-alertmanager": "prometheus-alertmanager",
    "systemd-analyze": "systemd",
    "systemd-sysusers": "systemd",
    "systemd-tmpfiles": "systemd",
}
"The Debian package that brings each program."


def program(name: str) -> str:
    """The path of a program, also from the folders that a plain user's PATH leaves out."""
    found = shutil.which(name) or shutil.which(name, path="/usr/sbin:/usr/local/sbin:/sbin")
    if found is not None:
        return found
    text = f"{name} is not installed; as root: apt-get install {PACKAGES.get(name, name)}"
    if os.environ.get("RULESD_REQUIRE_PEERS"):
        pytest.fail(text, pytrace=False)
    pytest.skip(text)
