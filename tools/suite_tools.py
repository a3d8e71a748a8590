"""The verbs on suites as tools: names, roles and counts; cases and right answers stay where they are."""

from __future__ import annotations

from langchain_core.tools import BaseTool

from tools import suites
from tools.answers import Answer, Runtime, card


@card
def list_suites(runtime: Runtime) -> Answer:
    """List the evaluation suites: the team's and the shipped ones, with role and number of cases."""
    text = suites.listed(suites.list_suites(runtime.context))
    return f"{text}\nTo add one, drop its YAML file here; say `suite NAME` to see one.", {}


@card
def show_suite(runtime: Runtime, suite: str) -> Answer:
    """Show what one evaluation suite asks: role, metrics, slices, and what it demands of a candidate."""
    found = suites.show(runtime.context, suite)
    which = f"{found.name}@{found.version}" if found.version else found.name
    return suites.told(found.suite, found.defaults, found.version), {"card": "suite", "id": which}


SUITE_TOOLS: list[BaseTool] = [list_suites, show_suite]
