"""What can be done with datasets: check and keep, split, mend into a new version, look after, delete."""

from tools.datasets.columns import columns_of
from tools.datasets.keeping import (
    Checked,
    check_file,
    findings_of,
    keep,
    mapping_of,
    pick_dataset,
    report_of,
    source_file,
    stats_of,
)
from tools.datasets.mending import Fixed, fix, map_columns, redact, shown
from tools.datasets.splitting import ensure_split, make_split, need_answers, need_trainable
from tools.datasets.tending import (
    audit,
    audit_text,
    card_of,
    delete,
    expired,
    lineage,
    set_license,
    set_retention,
)

__all__ = [
    "Checked",
    "Fixed",
    "audit",
    "audit_text",
    "card_of",
    "check_file",
    "columns_of",
    "delete",
    "ensure_split",
    "expired",
    "findings_of",
    "fix",
    "keep",
    "lineage",
    "make_split",
    "map_columns",
    "mapping_of",
    "need_answers",
    "need_trainable",
    "pick_dataset",
    "redact",
    "report_of",
    "set_license",
    "set_retention",
    "shown",
    "source_file",
    "stats_of",
]
