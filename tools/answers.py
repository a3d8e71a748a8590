"""What every tool of the agent answers with."""

from __future__ import annotations

from typing import Any

from langchain.tools import ToolRuntime, tool

from tools.context import Context

Answer = tuple[str, dict[str, str]]  # (text for the model, card for the door: {"card": kind, "id": …} or {})
Runtime = ToolRuntime[Context, Any]
card = tool(response_format="content_and_artifact")
