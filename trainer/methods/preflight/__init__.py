"""What must hold before a training step is worth its electricity. Each check answers a way other runs went wrong:
`check` looks at the rows, `proof` tries the run itself for seconds and puts everything back."""

from trainer.methods.preflight.isolation import packing_isolates
from trainer.methods.preflight.proving import proof
from trainer.methods.preflight.rows import check
from trainer.methods.preflight.verdict import Check

__all__ = ["Check", "check", "packing_isolates", "proof"]
