"""Every word rulesd uses to say why. The same word is metric label, template field, log entry and audit entry.

Law: no decision without a reason, and no reason outside these enums.
"""

from enum import StrEnum


class Outcome(StrEnum):
    """How the journey of one ingested event ended. Exactly one applies to each (conservation)."""

    MATCHED = "matched"
    UNMATCHED = "unmatched"
    DUPLICATE = "duplicate"
    REJECTED = "rejected"


class ErrorCode(StrEnum):
    """Why an event or a request was refused; the word a producer sees."""

    JSON = "invalid_json"
    NOT_OBJECT = "not_an_object"
    EMPTY = "empty_body"
    UTF8 = "invalid_utf8"
    DEPTH = "too_deep"
    NUMBER = "number_out_of_range"
    MISSING = "missing_attribute"
    TYPE = "wrong_type"
    VALUE = "invalid_value"
    TIME = "invalid_time"
    DATA = "invalid_data"
    SPECVERSION = "unsupported_specversion"
    TENANT = "tenant_not_allowed"
    SIZE = "too_large"
    MEDIA = "unsupported_media_type"
    GZIP = "invalid_gzip"
    TOPIC = "invalid_topic"


class AlertState(StrEnum):
    """Where an alert stands (Prometheus' words)."""

    INACTIVE = "inactive"
    PENDING = "pending"
    FIRING = "firing"
    RESOLVED = "resolved"


class Reason(StrEnum):
    """Why the engine decided what it decided."""

    # alerts
    CONDITION_MET = "condition_met"
    PENDING_ELAPSED = "pending_elapsed"
    SEEN_AGAIN = "seen_again"
    COUNT_GREW = "count_grew"
    SEVERITY_CHANGED = "severity_changed"
    REOPENED = "reopened"
    CONDITION_CLEARED = "condition_cleared"
    PENDING_CLEARED = "pending_cleared"
    HOLD_ELAPSED = "hold_elapsed"
    ACKNOWLEDGED = "acknowledged"
    UNACKNOWLEDGED = "unacknowledged"
    ACK_EXPIRED = "ack_expired"
    RESOLVED_BY_PERSON = "resolved_by_person"
    RULE_REMOVED = "rule_removed"
    COULD_NOT_EVALUATE = "could_not_evaluate"
    # suppression
    SHADOW = "shadow_rule"
    SILENCED = "silenced"
    INHIBITED = "inhibited"
    MUTED = "muted"
    # notifications
    FIRST = "first_notification"
    NEW_ALERTS = "new_alerts_in_group"
    NEVER = "must_never_happen"
    AGAIN = "happened_again"
    SEVERITY_RAISED = "severity_raised"
    SOME_RESOLVED = "some_alerts_resolved"
    ALL_RESOLVED = "all_alerts_resolved"
    REPEAT = "repeat_interval_elapsed"
    UPDATE = "updated_in_place"
    STORM = "owner_page_limit"
    UNCHANGED = "unchanged"
    ESCALATED = "escalated"
    NOBODY = "nobody_acknowledged"
    HAND_OVER = "hand_over"
    DIGEST = "digest"
    FLAPPING = "flapping"
    BUDGET = "page_budget_spent"
    SILENCE_ENDS = "silence_ends_soon"
    # limits
    KEY_LIMIT = "key_limit"
    VALUE_LIMIT = "value_limit"
    GROUP_LIMIT = "group_limit"
    RULE_PAUSED = "rule_paused_for_producer"
    RULE_RESUMED = "rule_tried_again"
    # ingestion
    REJECTED = "rejected"
    # actions and review
    RULE_ACTION = "rule_action"
    SAMPLED = "sampled_for_review"
    LOCKED = "locked_until_review"
    REVIEW_ASKED = "review_asked_for"
    REVIEWED = "reviewed"
    REVIEW_LATE = "review_overdue"
    # rollouts
    ROLLOUT_STARTED = "rollout_started"
    ROLLOUT_STAGE = "rollout_stage"
    ROLLOUT_EVIDENCE = "rollout_evidence"
    ROLLOUT_SIGNED = "signed_off"
    ROLLOUT_OVER = "watch_over"
    ROLLED_BACK = "rolled_back"
    VERDICT = "rollout_verdict"
    ROLLBACK = "rollback_criteria_met"
    # baselines
    DEPLOY_WATCH = "deploy_watch"
    RELEARN_DEPLOY = "relearn_after_deploy"
    RELEARN_ASKED = "relearn_asked"
    RELEARN_RESOLVED = "relearn_after_resolve"
    RELEARN_SILENT = "relearn_after_silence"
    RELEARN_RULE = "relearn_rule_changed"
    RELEARNED = "baseline_replaced"
    # switches
    SET = "switch_set"
    SET_AGAIN = "switch_set_again"
    APPROVAL_NEEDED = "approval_needed"
    APPROVED = "approved"
    DRY_RUN = "dry_run"
    SETTLED = "must_be_obeyed_by_now"
    EXPIRED = "expired"
    REVERTED = "reverted"
    REVIEW_RELEASED = "released_by_review"
    REVIEW_KEPT = "kept_by_review"
    ALERT_RESOLVED = "alert_resolved"
    MOVED = "end_moved"
    ACTION_RESULT = "action_answered"
    SWITCH_REMOVED = "switch_removed"
    HUMANS_ONLY = "humans_only"
    REFUSED_HUMANS_ONLY = "refused_humans_only"
    REFUSED_LIMIT = "refused_limit_per_hour"
    REFUSED_SCOPE = "refused_scope"
    REFUSED_ORIGIN = "refused_origin"
    REFUSED_VALUE = "refused_value"
    REFUSED_APPROVER = "refused_approver"


class DeliveryOutcome(StrEnum):
    """How one attempt to deliver ended."""

    DELIVERED = "delivered"
    RETRY = "retry"
    FAILED = "failed"
    SKIPPED = "skipped"


class DeliveryReason(StrEnum):
    """Why an attempt ended as it did (metric label, ``test-page`` output, alert about the receiver)."""

    OK = "ok"
    ACCEPTED = "accepted"
    RATE_LIMITED = "rate_limited"
    SERVER_ERROR = "server_error"
    CLIENT_ERROR = "client_error"
    AUTH = "authentication_failed"
    TIMEOUT = "timeout"
    CONNECT = "cannot_connect"
    TLS = "tls_error"
    REFUSED = "refused_by_receiver"
    CONFIG = "configuration_error"
    CIRCUIT_OPEN = "circuit_open"
    NOT_IN_PLACE = "cannot_update_in_place"
    NOT_NEEDED = "not_needed_any_more"
