"""What a dataset file may measure."""

from __future__ import annotations

from dataclasses import dataclass

from trainer.settings import Settings


@dataclass(frozen=True, slots=True)
class Limits:
    """Bytes of the file (and of what it unpacks to), bytes of a line, and rows."""

    file_bytes: int
    line_bytes: int
    rows: int

    @classmethod
    def of(cls, settings: Settings | None) -> Limits:
        """From the settings; without them the shipped defaults, whatever the environment says."""
        if settings is not None:
            return cls(settings.max_file_bytes, settings.max_line_bytes, settings.max_rows)
        fields = Settings.model_fields
        return cls(*(fields[name].default for name in ("max_file_bytes", "max_line_bytes", "max_rows")))
