"""Every reason as a sentence, for ``why`` and ``why-not``: the same words as docs/reasons.md, told about one alert.

Law: a reason without words of its own is told by its own word; nothing is left out.
"""

from rulesd.model.reasons import Reason

WORDS: dict[Reason, str] = {
    Reason.CONDITION_MET: "the rule's condition was met",
    Reason.PENDING_ELAPSED: "the condition lasted as long as the rule asks for",
    Reason.SEEN_AGAIN: "it happened again; the page was brought up to date",
    Reason.COUNT_GREW: "its count has doubled since it was last told",
    Reason.SEVERITY_CHANGED: "the severity map gave another severity",
    Reason.REOPENED: "it came back within the hold: the same episode goes on",
    Reason.CONDITION_CLEARED: "the condition no longer holds",
    Reason.PENDING_CLEARED: "the condition ended before it had lasted long enough: nobody was told",
    Reason.HOLD_ELAPSED: "nothing more came within keep_firing_for",
    Reason.ACKNOWLEDGED: "somebody took it",
    Reason.UNACKNOWLEDGED: "somebody gave it back",
    Reason.ACK_EXPIRED: "the acknowledgement has run out",
    Reason.RESOLVED_BY_PERSON: "somebody said that it is over",
    Reason.RULE_REMOVED: "a reload took the rule away",
    Reason.COULD_NOT_EVALUATE: "the rule could not be evaluated on this event",
    Reason.SHADOW: "the rule is a shadow rule: it decides and never pages",
    Reason.SILENCED: "a silence holds it back",
    Reason.INHIBITED: "another alert holds it back",
    Reason.MUTED: "a time interval keeps its route quiet",
    Reason.FIRST: "the first page about its group",
    Reason.NEW_ALERTS: "alerts joined the group",
    Reason.NEVER: "it must never happen: paged at once",
    Reason.AGAIN: "it happened again after it was acknowledged, or long after the last page",
    Reason.SEVERITY_RAISED: "it became graver",
    Reason.SOME_RESOLVED: "some of the group are over",
    Reason.ALL_RESOLVED: "the whole group is over",
    Reason.REPEAT: "a reminder: nothing changed for repeat_interval",
    Reason.UPDATE: "the existing message is brought up to date; nobody is woken",
    Reason.STORM: "too many pages to this owner: one page counts them all",
    Reason.ESCALATED: "nobody acknowledged in time: the next step is told",
    Reason.NOBODY: "nobody acknowledged at any step",
    Reason.FLAPPING: "it comes and goes: named once, and quiet until it has been calm for an hour",
    Reason.RULE_ACTION: "the rule names this action",
    Reason.SAMPLED: "it falls into the share that is reviewed",
    Reason.DEPLOY_WATCH: "a deploy: less evidence is enough for a day, then the rule learns anew",
    Reason.RELEARN_DEPLOY: "the watch after a deploy is over: the rule learns anew",
    Reason.RELEARN_ASKED: "a person had it learn afresh",
    Reason.RELEARN_RESOLVED: "a person resolved the alert: its key learns afresh",
    Reason.RELEARN_SILENT: "silent for too long: what it was is forgotten",
    Reason.RELEARN_RULE: "the rule was changed: what it had learned is gone",
    Reason.RELEARNED: "it has learned anew",
    Reason.LOCKED: "a switch is locked until this review",
}


def in_words(reason: str) -> str:
    """A reason of the decision log as a sentence."""
    try:
        return WORDS[Reason(reason)]
    except (KeyError, ValueError):
        return reason.replace("_", " ")
