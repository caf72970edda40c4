"""Alertmanager's templates in ``routing.yaml``: the files of ``templates:``, and the texts of the receivers, checked when they are loaded.

Law: what Alertmanager would refuse is refused here, at its place, before a page needs it. Only files of the notifiers folder are
read: a pattern that leads elsewhere means the file of that name in here.
"""

from collections.abc import Iterator, Mapping
from fnmatch import fnmatch
from pathlib import PurePosixPath

from rulesd.config.document import Document, Path_
from rulesd.config.gotemplate import Fault, Library, Template
from rulesd.config.gotemplate.defaults import library
from rulesd.config.gotemplate.functions import names
from rulesd.config.problems import Code, Problems, did_you_mean, listed
from rulesd.config.read import text_of
from rulesd.model.event import Json

TOP = "notifiers/"


def template_files(
    patterns: tuple[str, ...],
    content: Mapping[str, bytes],
    document: Document,
    problems: Problems,
    shown: Mapping[str, str],
) -> dict[str, str]:
    """Texts of the files that ``patterns`` mean, by name, in the order Alertmanager reads them."""
    out: dict[str, str] = {}
    for i, pattern in enumerate(patterns):
        found = sorted(_meant(pattern, content))
        if not found:
            said = f'no file of the notifiers folder matches "{pattern}"'
            hint = "Put the files into notifiers/templates and write templates/*.tmpl."
            problems.at(document, ("templates", i), Code.MISSING_FILE, said, hint, warning=True)
        for name in found:
            text = text_of(content[name], shown.get(name, name), problems)
            if text is not None:
                out[name] = text
    return out


def _meant(pattern: str, content: Mapping[str, bytes]) -> Iterator[str]:
    path = PurePosixPath(pattern)
    elsewhere = path.is_absolute() or ".." in path.parts
    for name in content:
        rest = name.removeprefix(TOP)
        if not name.startswith(TOP) or rest.startswith("routing."):
            continue
        if fnmatch(PurePosixPath(rest).name, path.name) if elsewhere else fnmatch(rest, str(path)):
            yield name


def read_library(files: Mapping[str, str], shown: Mapping[str, str], problems: Problems) -> Library:
    """The default templates, and the operator's over them; what cannot be read is reported at its line."""
    made = library()
    for name, text in files.items():
        try:
            made.add(text)
        except Fault as fault:
            problems.add(
                shown.get(name, name), fault.line or 1, 1, Code.TEMPLATE, fault.said, _hint(fault)
            )
    return made


def check_texts(
    value: Json, at: Path_, made: Library, document: Document, problems: Problems
) -> None:
    """Report every template in a setting (texts inside lists and mappings too) that cannot be read or calls what is not there."""
    match value:
        case str() if "{{" in value:
            _check(value, at, made, document, problems)
        case dict():
            for name, one in value.items():
                check_texts(one, (*at, name), made, document, problems)
        case list():
            for i, one in enumerate(value):
                check_texts(one, (*at, i), made, document, problems)


def _check(text: str, at: Path_, made: Library, document: Document, problems: Problems) -> None:
    try:
        template = Template.read(text)
    except Fault as fault:
        problems.at(document, at, Code.TEMPLATE, f"the template: {fault}", _hint(fault))
        return
    known = set(made.named) | set(template.defined)
    for name in template.calls():
        if name not in known:
            said = f'there is no template "{name}"'
            hint = f"{did_you_mean(name, known)}Define it in a file of templates:."
            problems.at(document, at, Code.TEMPLATE, said, hint)


def _hint(fault: Fault) -> str:
    if not fault.name:
        return "Correct the template."
    return f"{did_you_mean(fault.name, names())}Known: {listed(sorted(names()), 60)}."
