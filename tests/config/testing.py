"""A small set of files that loads without a word, to put mistakes into."""

from collections.abc import Mapping

from rulesd.config import Loaded, load_files
from rulesd.config.files import Files, builtin

RUNBOOK = b"# What to do\n\n## First five minutes\n1. Look.\n"
BASE: Mapping[str, bytes] = {
    "rules/tool/base.yaml": (
        b"id: tool.base\ntitle: Base\nowner: team\nrunbook: mistake.md\non: [tool.call]\n"
        b"detect: never\nseverity: high\ntests: [{name: quiet, expect: []}]\n"
    ),
    "rules/tool/mistake.md": RUNBOOK,
    "rules/tool/no_steps.md": b"# What to do\n\nNothing yet.\n",
    "rules/risks.yaml": b"risks:\n  one: {title: One}\n  leak: {title: Leak}\n",
    "notifiers/owners.yaml": b"owners:\n  team: {receivers: {default: inbox}}\n",
    "notifiers/receivers.yaml": (
        b'receivers:\n  inbox:\n    webhook: {url: "https://example.org/in", secret: {env: HOOK}}\n'
        b"  hole: {}\n"
    ),
    "notifiers/routing.yaml": b"route:\n  receiver: inbox\nreceivers:\n  - name: inbox\n",
    "notifiers/switches.yaml": b"switches:\n  lock_tool: {type: boolean, safe: true}\n",
}


def files(changed: Mapping[str, bytes | str | None] | None = None) -> Files:
    """The base with some files changed; ``None`` removes one."""
    content: dict[str, bytes] = {**dict(builtin()), **BASE}
    for name, body in (changed or {}).items():
        if body is None:
            content.pop(name)
        else:
            content[name] = body.encode() if isinstance(body, str) else body
    return Files(content=content)


def loaded(changed: Mapping[str, bytes | str | None] | None = None) -> Loaded:
    """The base with some files changed, loaded."""
    return load_files(files(changed))


def rule(**fields: str) -> str:
    """A rule file: the usual fields, with some replaced by YAML text; an empty text leaves one out."""
    usual = {
        "id": "tool.mistake",
        "title": "T",
        "owner": "team",
        "runbook": "mistake.md",
        "on": "[tool.call]",
        "detect": "never",
        "severity": "high",
        "tests": "[{name: quiet, expect: []}]",
    }
    return "".join(f"{k}: {v}\n" for k, v in {**usual, **fields}.items() if v)
