"""Every kind of finding that a dataset check can make: its code, its severity and what it means."""

from __future__ import annotations

import re
from dataclasses import dataclass

from trainer.types import Finding, Severity

ERROR, WARNING, INFO = Severity.ERROR, Severity.WARNING, Severity.INFO

# code → (severity, meaning). Codes are stable: programs and reports depend on them.
CODES: dict[str, tuple[Severity, str]] = {
    # the whole file, line 0
    "empty_file": (ERROR, "nothing in the file, or blank lines only"),
    "not_jsonl": (ERROR, "another kind of file: an array, CSV, HTML, archive, UTF-16 …"),
    "too_large": (ERROR, "more bytes than the upload limit"),
    "too_many_rows": (ERROR, "more rows than the limit"),
    "too_few_rows": (ERROR, "fewer usable rows than training needs"),
    # the line as bytes
    "bom": (WARNING, "a byte order mark before the first row; skipped"),
    "blank_line": (WARNING, "nothing on this line; skipped"),
    "crlf": (INFO, "lines end in CRLF"),
    "line_too_long": (ERROR, "more bytes on one line than the limit; not read"),
    "not_utf8": (ERROR, "bytes that are not UTF-8"),
    "u2028": (INFO, "a raw line separator in a text: some tools split the row there"),
    # the line as JSON
    "invalid_json": (ERROR, "not JSON"),
    "truncated_last_line": (ERROR, "the file ends in the middle of a row"),
    "too_deep": (ERROR, "nested deeper than any loader follows"),
    "huge_integer": (ERROR, "an integer beyond 64 bits"),
    "nan_or_infinity": (ERROR, "NaN or Infinity, which JSON does not have"),
    "duplicate_key": (ERROR, "a key twice in one object: readers keep only one of the values"),
    "lone_surrogate": (ERROR, "half of a surrogate pair: no valid text"),
    "nul_character": (ERROR, "a NUL character in a text"),
    # the row
    "not_an_object": (ERROR, "a row that is no JSON object"),
    "missing_messages": (ERROR, "no 'messages' key"),
    "messages_not_a_list": (ERROR, "'messages' is no list"),
    "empty_messages": (ERROR, "'messages' is an empty list"),
    "unknown_key": (ERROR, "a key that the format does not have"),
    "bad_metadata": (ERROR, "'metadata' is no object of texts"),
    # its messages
    "message_not_an_object": (ERROR, "a message that is no JSON object"),
    "missing_role": (ERROR, "a message without a role"),
    "unknown_role": (ERROR, "a role that the format does not have"),
    "missing_content": (ERROR, "a message without content"),
    "content_not_text": (ERROR, "content that is neither text nor a list of text parts"),
    "empty_content": (ERROR, "content without a visible character"),
    "bad_name": (ERROR, "a 'name' that is no text"),
    "bad_weight": (ERROR, "a weight that is not the integer 0 or 1, or not on an assistant message"),
    "no_assistant": (ERROR, "no assistant message: nothing to learn"),
    "last_not_assistant": (ERROR, "the last message is not the assistant's"),
    "no_user": (WARNING, "no user message"),
    "nothing_to_learn": (WARNING, "every assistant message has weight 0"),
    # tools
    "bad_tools": (ERROR, "'tools' is no list of functions with names"),
    "bad_parallel_tool_calls": (ERROR, "'parallel_tool_calls' is neither true nor false"),
    "bad_tool_call": (ERROR, "a tool call without id, type, function or name"),
    "tool_arguments_not_text": (ERROR, "tool call arguments that are no text"),
    "tool_arguments_not_json": (ERROR, "tool call arguments that are no JSON object in a text"),
    "tool_without_call": (ERROR, "a tool message that answers no call before it"),
    "call_without_result": (ERROR, "a tool call that gets no result before the talk goes on"),
    "unknown_tool": (WARNING, "a call to a function that 'tools' does not list"),
    "legacy_functions": (WARNING, "'functions' or 'function_call', the way before 'tools'"),
    "empty_tool_result": (WARNING, "a tool result without text"),
    # many rows together
    "duplicate_row": (WARNING, "the same row as an earlier one"),
    "conflicting_answers": (INFO, "the same prompt as an earlier row, with another answer"),
    "more_in_row": (ERROR, "this row has more findings than are listed"),
}

QUOTE_LIMIT = 40
_TOKEN_LIKE = re.compile(r"(?=[\w\-]*\d)(?=[\w\-]*[A-Za-z])[\w\-]{16,}")


@dataclass(frozen=True, slots=True)
class Problem:
    """A finding that does not know its line yet."""

    code: str
    message: str
    path: str = ""

    @property
    def severity(self) -> Severity:
        return CODES[self.code][0]

    def at(self, line: int) -> Finding:
        return Finding(line, self.code, self.severity, self.message, self.path)


def quote(value: object, limit: int = QUOTE_LIMIT) -> str:
    """A short, escaped glimpse of a value from the file; what looks like a key or token is hidden."""
    if not isinstance(value, str):
        return kind(value)
    glimpse = value[: limit + 1]
    glimpse = _TOKEN_LIKE.sub("(hidden)", glimpse)
    return repr(glimpse[:limit] + "…") if len(value) > limit else repr(glimpse)


def kind(value: object) -> str:
    """The JSON kind of a value, with an article: `a number`."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return "a number"
    if isinstance(value, str):
        return "a text"
    return "a list" if isinstance(value, list) else "an object"
