"""The action and callback ids that cards carry and listeners answer to: one visible list."""

APPROVE = "approval_approve"
REJECT = "approval_reject"
TRAIN = "dataset_train"
SPLIT = "dataset_split"
ESTIMATE = "dataset_estimate"
CANCEL = "job_cancel"
EVALUATE = "model_evaluate"
PROMOTE = "model_promote"
RETRAIN = "model_retrain"
ROLL_BACK = "alias_rollback"

ALIAS_VIEW = "promote_alias"  # callback id of the modal that asks for an alias
ALIAS_BLOCK = "alias"
ALIAS_INPUT = "alias_name"
