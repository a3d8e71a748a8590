"""Make datasets: examples one by one, from logs and threads, through a language model, and from recipes."""

from tools.building.augmenting import AugmentRequest, request_augmentation
from tools.building.examples import add_example, add_rows, export_dataset, import_log
from tools.building.threads import Draft, add_draft, discard_draft, draft_from_thread

__all__ = [
    "AugmentRequest",
    "Draft",
    "add_draft",
    "add_example",
    "add_rows",
    "discard_draft",
    "draft_from_thread",
    "export_dataset",
    "import_log",
    "request_augmentation",
]
