"""The texts of Alertmanager's receivers: what the operator wrote, run as Go templates over a notification.

Law: a text that fails never stops a page: the channel uses its own words, and says which text failed. What a page needs to arrive
at all (a channel, an address) must not fail: that is an error for the operator.

Alerts of other systems go in untouched, as in Alertmanager. Labels of our own alerts come from events, so they are escaped for
the medium before a template sees them: no mention and no link can come out of one.
"""

from collections.abc import Callable, Mapping
from typing import Any

from rulesd.config.gotemplate import Fault, Library, Template
from rulesd.config.gotemplate.values import Thing
from rulesd.model.notification import Notification
from rulesd.notify.alertmanager import webhook_body
from rulesd.notify.go_data import data_of
from rulesd.notify.text import lines

Escape = Callable[[str], str]


def is_foreign(notification: Notification) -> bool:
    """Whether a notification tells of alerts of other systems: then Alertmanager's own texts are the default."""
    return any(alert.foreign for alert in notification.alerts)


class GoTexts:
    """The texts of one channel."""

    def __init__(self, library: Library, settings: Mapping[str, Any]) -> None:
        """``settings``: as the file has them."""
        self._library, self._settings = library, settings
        self._read: dict[str, Template] = {}

    def written(self, *names: str) -> bool:
        """Whether the operator wrote one of these."""
        return any(self._settings.get(name) not in (None, "", [], {}) for name in names)

    def setting(self, name: str) -> Any:
        """A setting as the file has it."""
        return self._settings.get(name)

    def data(self, notification: Notification, escape: Escape = lines) -> Thing:
        """What templates look at. ``escape``: for the labels of our own alerts."""
        body = webhook_body(notification)
        if is_foreign(notification):
            return data_of(body)
        safe = {
            **body,
            "alerts": [
                {
                    **alert,
                    "labels": _escaped(alert["labels"], escape),
                    "annotations": _escaped(alert["annotations"], escape),
                }
                for alert in body["alerts"]
            ],
            **{name: _escaped(body[name], escape) for name in _SETS},
        }
        return data_of(safe)

    def text(self, source: str, data: Thing, *, html: bool = False) -> str:
        """``source`` run over ``data``. Raises ``Fault``."""
        if "{{" not in source:
            return source
        template = self._read.get(source)
        if template is None:
            template = self._read[source] = Template.read(source)
        return self._library.render(template, data, html=html)

    def value(self, value: Any, data: Thing) -> Any:
        """The same for texts inside lists and mappings."""
        if isinstance(value, str):
            return self.text(value, data)
        if isinstance(value, Mapping):
            return {self.text(str(k), data): self.value(v, data) for k, v in value.items()}
        if isinstance(value, list):
            return [self.value(one, data) for one in value]
        return value


class Telling:
    """The texts of one page: each as written, or its default; what failed is noted."""

    def __init__(self, texts: GoTexts, data: Thing) -> None:
        """Nothing has failed yet."""
        self._texts, self._data = texts, data
        self.notice = ""

    def say(self, name: str, default: str | Callable[[], str] = "", *, html: bool = False) -> str:
        """The setting ``name``, else ``default`` (a template, or a function that gives plain words)."""
        given = self._texts.setting(name)
        if isinstance(given, str) and given:
            try:
                return self._texts.text(given, self._data, html=html)
            except Fault as fault:
                self._note(name, fault)
        if callable(default):
            return default()
        return self._texts.text(default, self._data, html=html)

    def each(self, name: str) -> Any:
        """A list or mapping of texts; empty when one of them fails."""
        given = self._texts.setting(name)
        try:
            return self._texts.value(given, self._data)
        except Fault as fault:
            self._note(name, fault)
            return type(given)()

    def must(self, name: str) -> str:
        """A setting the page cannot do without. Raises ``Fault``."""
        given = self._texts.setting(name)
        return self._texts.text(given, self._data).strip() if isinstance(given, str) else ""

    def _note(self, name: str, fault: Fault) -> None:
        self.notice = self.notice or f"template of {name} failed ({fault}); standard text used"


_SETS = ("groupLabels", "commonLabels", "commonAnnotations")


def _escaped(labels: Mapping[str, str], escape: Escape) -> dict[str, str]:
    return {name: escape(value) for name, value in labels.items()}
