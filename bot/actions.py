"""The action and callback ids that cards carry and listeners answer to: one visible list."""

APPROVE = "approval_approve"
REJECT = "approval_reject"
TRAIN = "dataset_train"
SPLIT = "dataset_split"
ESTIMATE = "dataset_estimate"
FIX = "dataset_fix"
REDACT = "dataset_redact"
DOWNLOAD = "dataset_report"
USE_COLUMNS = "dataset_use_columns"
CHOOSE_COLUMNS = "dataset_choose_columns"
BUILD_ADD = "build_add"
BUILD_ADD_REDACTED = "build_add_redacted"
BUILD_DISCARD = "build_discard"
CANCEL = "job_cancel"
EVALUATE = "model_evaluate"
REPORT = "evaluation_report"
PROMOTE = "model_promote"
RETRAIN = "model_retrain"
ROLL_BACK = "alias_rollback"
OVERRIDE = "model_override"

ALIAS_VIEW = "promote_alias"  # callback id of the modal that asks for an alias
ALIAS_BLOCK = "alias"
ALIAS_INPUT = "alias_name"

OVERRIDE_VIEW = "override_gate"  # callback id of the modal that asks why a verdict is overridden
REASON_BLOCK = "reason"
REASON_INPUT = "override_reason"

COLUMNS_VIEW = "dataset_columns"  # callback id of the modal that asks which column is which; its blocks are the parts
SPLIT_VIEW = "dataset_split_options"

FAILURES = "evaluation_failures"
FAILURE_CAUSE = "failure_cause"  # followed by the cause
FAILURE_NEXT = "failure_next"
FAILURE_BACK = "failure_back"
FAILURE_KEEP = "failure_keep"
FAILURE_WRITE = "failure_write"
FAILURE_VIEW = "failure_example"  # callback id of the modal in which a person writes an example
NEXT_VERSION = "lessons_version"

ASK_PEOPLE = "people_ask"
VOTE = "poll_vote"
ASK_VIEW = "poll_options"  # callback id of the modal that asks how people are asked
VOTE_VIEW = "poll_ballot"  # … and of the one with a question; its blocks carry the question's number
