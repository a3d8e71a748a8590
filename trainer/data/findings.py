"""Every kind of finding that a dataset check can make: its code, its severity and what it means."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import NamedTuple

from trainer.types import Finding, Severity

ERROR, WARNING, INFO = Severity.ERROR, Severity.WARNING, Severity.INFO


class Code(NamedTuple):
    """`expected` says what would have been right; `fix` names the entry of `trainer.data.fix.FIXES` that may mend it,
    or several, with commas. Whether it does mend a row, only a trial tells: `CheckReport.mendable`."""

    severity: Severity
    meaning: str
    expected: str = ""
    fix: str = ""

    @property
    def fixes(self) -> tuple[str, ...]:
        return tuple(filter(None, self.fix.split(", ")))


# Codes are stable: programs and reports depend on them.
CODES: dict[str, Code] = {
    # the whole file, line 0
    "empty_file": Code(ERROR, "nothing in the file, or blank lines only", "rows"),
    "not_jsonl": Code(
        ERROR,
        "another kind of file: an array, CSV, HTML, archive, UTF-16 …",
        "JSONL, a JSON array, CSV, TSV or Parquet",
    ),
    "too_large": Code(ERROR, "more bytes than the upload limit", "a file within the limit"),
    "too_many_rows": Code(ERROR, "more rows than the limit", "no more rows than the limit"),
    "too_few_rows": Code(ERROR, "fewer usable rows than training needs", "10 usable rows or more"),
    "mixed_formats": Code(WARNING, "rows of several formats in one file", "one format in the file", "convert"),
    "unknown_columns": Code(
        ERROR,
        "columns of names that no format has; they can be mapped",
        "columns that are mapped to prompt and completion",
        "convert",
    ),
    # the line as bytes
    "bom": Code(WARNING, "a byte order mark before the first row; skipped", "no byte order mark", "bom"),
    "blank_line": Code(WARNING, "nothing on this line; skipped", "a row on every line", "whitespace"),
    "crlf": Code(INFO, "lines end in CRLF", "lines that end in LF", "line-ends"),
    "line_too_long": Code(ERROR, "more bytes on one line than the limit; not read", "a line within the limit"),
    "not_utf8": Code(ERROR, "bytes that are not UTF-8", "UTF-8 text", "encoding"),
    "u2028": Code(
        INFO, "a raw line separator in a text: some tools split the row there", "the separator written as \\u2028"
    ),
    # the line as JSON
    "invalid_json": Code(
        ERROR,
        "not JSON",
        "one JSON object on the line",
        "trailing-commas, comments, python-literals, control-characters, array-to-lines, bom",
    ),
    "truncated_last_line": Code(ERROR, "the file ends in the middle of a row", "the whole row", "truncated-last-line"),
    "too_deep": Code(ERROR, "nested deeper than any loader follows", "at most 100 levels"),
    "huge_integer": Code(ERROR, "an integer beyond 64 bits", "an integer of 64 bits, or a text"),
    "nan_or_infinity": Code(ERROR, "NaN or Infinity, which JSON does not have", "a number or null", "nan-to-null"),
    "duplicate_key": Code(ERROR, "a key twice in one object: readers keep only one of the values", "each key once"),
    "lone_surrogate": Code(ERROR, "half of a surrogate pair: no valid text", "whole characters", "lone-surrogates"),
    "nul_character": Code(ERROR, "a NUL character in a text", "a text without NUL", "nul"),
    # the row
    "other_format": Code(ERROR, "a row of another format than the file's", "a row of the file's format", "convert"),
    "not_an_object": Code(ERROR, "a row that is no JSON object", "a JSON object", "double-encoded"),
    "missing_messages": Code(ERROR, "no 'messages' key", "a list under 'messages'"),
    "messages_not_a_list": Code(ERROR, "'messages' is no list", "a list of messages", "stringified-messages"),
    "empty_messages": Code(ERROR, "'messages' is an empty list", "a question and an answer"),
    "unknown_key": Code(ERROR, "a key that the format does not have", "keys of the format only", "unknown-keys"),
    "bad_metadata": Code(ERROR, "'metadata' is no object of texts", "an object whose values are texts"),
    # its messages
    "message_not_an_object": Code(
        ERROR, "a message that is no JSON object", "an object with role and content", "stringified-messages"
    ),
    "missing_role": Code(ERROR, "a message without a role", "system, developer, user, assistant or tool"),
    "unknown_role": Code(ERROR, "a role that the format does not have", "system, developer, user, assistant or tool"),
    "missing_content": Code(ERROR, "a message without content", "a text"),
    "content_not_text": Code(
        ERROR, "content that is neither text nor a list of text parts", "a text, or a list of text parts"
    ),
    "empty_content": Code(
        ERROR, "content without a visible character", "a text with a visible character", "empty-system"
    ),
    "bad_name": Code(ERROR, "a 'name' that is no text", "a text"),
    "bad_weight": Code(
        ERROR,
        "a weight that is not the integer 0 or 1, or not on an assistant message",
        "the integer 0 or 1, on an assistant message",
        "weights",
    ),
    "no_assistant": Code(ERROR, "no assistant message: nothing to learn", "an assistant message"),
    "last_not_assistant": Code(ERROR, "the last message is not the assistant's", "an assistant message at the end"),
    "no_user": Code(WARNING, "no user message", "a user message"),
    "nothing_to_learn": Code(WARNING, "every assistant message has weight 0", "an assistant message of weight 1"),
    # tools
    "bad_tools": Code(ERROR, "'tools' is no list of functions with names", "a list of functions with names"),
    "bad_parallel_tool_calls": Code(ERROR, "'parallel_tool_calls' is neither true nor false", "true or false"),
    "bad_tool_call": Code(
        ERROR, "a tool call without id, type, function or name", "an id, the type function, a name and arguments"
    ),
    "tool_arguments_not_text": Code(ERROR, "tool call arguments that are no text", "a JSON object in a text"),
    "tool_arguments_not_json": Code(
        ERROR, "tool call arguments that are no JSON object in a text", "a JSON object in a text"
    ),
    "tool_without_call": Code(
        ERROR, "a tool message that answers no call before it", "a call of the same id before it"
    ),
    "call_without_result": Code(
        ERROR, "a tool call that gets no result before the talk goes on", "a tool message for every call"
    ),
    "unknown_tool": Code(WARNING, "a call to a function that 'tools' does not list", "a function that 'tools' lists"),
    "legacy_functions": Code(
        WARNING,
        "'functions' or 'function_call', the way before 'tools'",
        "'tools' and 'tool_calls'",
        "legacy-functions",
    ),
    "empty_tool_result": Code(WARNING, "a tool result without text", "a result with text"),
    # rows of other formats than chat
    "missing_key": Code(ERROR, "a key that the format needs is not there", "every key of the format"),
    "extra_key": Code(
        INFO, "a key that the format does not know; kept as metadata, not trained on", "keys of the format"
    ),
    "mixed_shapes": Code(ERROR, "texts beside lists of messages in one row", "all texts, or all lists of messages"),
    "bad_history": Code(ERROR, "'history' is no list of pairs", "[[question, answer], …]"),
    "bad_label": Code(ERROR, "a label that is neither true nor false", "true or false"),
    "bad_prefix": Code(ERROR, "a 'prefix' that is neither true nor false, or not the assistant's", "true or false"),
    "output_not_assistant": Code(ERROR, "an output that is neither the assistant's nor a tool's", "the role assistant"),
    "last_not_user": Code(ERROR, "nothing is asked: the last message is no user's", "a last message of the user"),
    "same_answers": Code(WARNING, "the better and the worse answer are the same", "two different answers"),
    # what a service refuses; training here stays possible
    "target_format": Code(WARNING, "a format that the target does not take", "one of the target's formats"),
    "target_too_few_rows": Code(WARNING, "fewer rows than the target takes", "as many rows as the target asks for"),
    "target_too_many_rows": Code(WARNING, "more rows than the target takes", "no more rows than the target takes"),
    "target_too_large": Code(WARNING, "more bytes than the target takes in a file", "a file within the target's limit"),
    "target_row_too_long": Code(
        WARNING, "a row that is probably longer than the target reads", "a row within the target's context"
    ),
    "target_role": Code(WARNING, "a role that the target does not know", "one of the target's roles"),
    "target_system_place": Code(
        WARNING, "a system message that is not the first", "one system message, at the beginning"
    ),
    "target_order": Code(WARNING, "two turns of one side in a row", "user and assistant in turn"),
    "target_tool_id": Code(WARNING, "an id of a tool call that the target refuses", "an id of the target's shape"),
    "target_too_many_tools": Code(WARNING, "more tools than the target takes", "no more tools than the target takes"),
    "target_weight": Code(WARNING, "a weight, which the target does not heed", "no weight of 0"),
    "target_parts": Code(WARNING, "content in parts, where the target takes a text", "one text"),
    "target_outputs": Code(WARNING, "more than one message as an output", "one message of the assistant"),
    "target_key": Code(WARNING, "a key that the target refuses", "the target's keys only"),
    "target_ends": Code(
        WARNING, "the target's offer has ended, ends within a year, or is deprecated", "a target whose offer goes on"
    ),
    "target_ends_later": Code(INFO, "the target's offer ends in more than a year", "a target whose offer goes on"),
    "target_old_rules": Code(INFO, "the target's rules were looked up a while ago", "rules of this season"),
    # many rows together
    "duplicate_row": Code(WARNING, "the same row as an earlier one", "each row once", "duplicates"),
    "conflicting_answers": Code(
        INFO,
        "the same prompt as an earlier row, with another answer",
        "one answer for a prompt, unless variety is wanted",
    ),
    "near_duplicate": Code(
        WARNING, "nearly the same text as an earlier row", "rows that differ by more than a few words"
    ),
    "contaminated": Code(WARNING, "text that also stands in a file kept for tests", "tests that training has not seen"),
    "more_in_row": Code(ERROR, "this row has more findings than are listed", "fewer faults in a row"),
    # personal data and secrets: trainer.data.privacy
    "personal_data": Code(
        WARNING, "an e-mail, postal or IP address or a telephone number", "no personal data", "redact"
    ),
    "sensitive_id": Code(WARNING, "an account, card or national identity number", "no such number", "redact"),
    "secret": Code(WARNING, "a key, token or password; revoke it, whoever it belongs to", "no secrets", "redact"),
    # the container: trainer.data.sources
    "packed": Code(INFO, "the file is packed; what is inside was read", "nothing else; packed files are welcome"),
    "ignored_members": Code(INFO, "other files in the archive, not read", "one data file in the archive"),
    "empty_archive": Code(ERROR, "an archive without a data file", "one data file in the archive"),
    "nested_archive": Code(ERROR, "an archive inside an archive", "data packed once, or not at all"),
    "several_members": Code(ERROR, "an archive with several data files", "one data file in the archive"),
    "encrypted_archive": Code(ERROR, "an archive that needs a password", "an archive without a password"),
    "unsafe_archive": Code(
        ERROR, "an archive that asks for what no dataset needs", "a plain gzip, zstd or zip archive"
    ),
    "archive_bomb": Code(ERROR, "an archive that unpacks to far more than any dataset", "a dataset's usual density"),
    "corrupt_archive": Code(ERROR, "an archive that is damaged or cut off", "the whole archive"),
    "corrupt_file": Code(ERROR, "a Parquet file that is damaged or cut off", "the whole file"),
    "parquet_as_text": Code(
        INFO, "values that JSON has no word for, read as text", "texts, numbers, lists and objects"
    ),
    "json_array": Code(WARNING, "one JSON array; each element is read as a row", "one row a line", "array-to-lines"),
    "json_stream": Code(WARNING, "objects that are not one a line", "one row a line", "array-to-lines"),
    "json_wrapped": Code(WARNING, "rows in a list inside one object", "one row a line", "array-to-lines"),
    "json_several_lists": Code(ERROR, "more than one list of objects in one object", "one list of rows"),
    "json_unfinished": Code(ERROR, "a list without its closing bracket", "the whole file", "array-to-lines"),
    "array_commas": Code(
        ERROR, "commas missing or too many between elements", "one comma between two", "trailing-commas"
    ),
    "json_comment": Code(ERROR, "a comment, which JSON does not have", "no comments", "comments"),
    "utf16": Code(ERROR, "UTF-16 text", "UTF-8 text", "encoding"),
    "cr_line_ends": Code(WARNING, "lines end in a lone CR", "lines that end in LF", "line-ends"),
    "u2028_line_ends": Code(ERROR, "rows end in U+2028", "lines that end in LF", "line-ends"),
    "csv_cells": Code(ERROR, "a record with more or fewer cells than the header", "as many cells as columns"),
    "csv_header": Code(ERROR, "columns without a name, or with the same one", "a name of its own for every column"),
    "csv_no_header": Code(ERROR, "a table whose first line looks like data", "the columns' names in the first line"),
    "csv_quoting": Code(ERROR, "quotes that do not match", "a quote inside a cell doubled"),
    # what the rows say
    "refusal_answer": Code(WARNING, "an answer that refuses", "an answer; keep refusals only where they are wanted"),
    "many_refusals": Code(WARNING, "more than a fifth of the answers refuse", "few refusals, and those on purpose"),
    "template_residue": Code(WARNING, "a placeholder, control token or filler left by a template", "the text itself"),
    "html_residue": Code(WARNING, "HTML in a row that is not about HTML", "plain text or Markdown"),
    "prompt_injection": Code(
        WARNING, "text that orders a model about, or hides; reported, never obeyed", "rows that a person has looked at"
    ),
    "invisible_characters": Code(
        INFO, "characters that nobody sees, such as zero-width spaces", "characters that people can see"
    ),
    "degenerate_answer": Code(WARNING, "an answer of punctuation, or one that runs in a circle", "an answer that ends"),
    "answer_repeats_prompt": Code(
        WARNING, "the answer is the message before it, word for word", "an answer of its own"
    ),
    "answers_cut": Code(WARNING, "many answers stop at the same length, in mid-sentence", "whole answers"),
    "all_answers_equal": Code(WARNING, "every answer is the same", "answers that depend on their prompts"),
    "answer_dominates": Code(
        WARNING, "one answer in more than half of the rows", "answers that depend on their prompts"
    ),
    "label_imbalance": Code(
        WARNING, "a label with few rows beside one with many", "5 rows a label, and at most 10 times as many of another"
    ),
    "language_mix": Code(INFO, "more than one language", "one language, unless several are wanted"),
    "answer_language_differs": Code(
        INFO, "answers in another language than their prompts", "answers in the language of the question"
    ),
    "over_long_rows": Code(WARNING, "rows longer than the base takes in; their ends would be cut", "rows that fit"),
    # said when examples are built one by one
    "too_few_messages": Code(ERROR, "one message only", "a question with its answer"),
    "answer_short": Code(
        WARNING, "an answer of less than 10 characters", "10 to 4,000 characters, as the guides advise"
    ),
    "answer_long": Code(
        WARNING, "an answer of more than 4,000 characters", "10 to 4,000 characters, as the guides advise"
    ),
}

QUOTE_LIMIT = 40
_TOKEN_LIKE = re.compile(r"(?=[\w\-]*\d)(?=[\w\-]*[A-Za-z])[\w\-]{16,}|\S+@\S+|\+?\d[\d ().-]{6,}\d")


@dataclass(frozen=True, slots=True)
class Problem:
    """A finding that does not know its line yet."""

    code: str
    message: str
    path: str = ""
    found: str = ""

    @property
    def severity(self) -> Severity:
        return CODES[self.code].severity

    def at(self, line: int) -> Finding:
        about = CODES[self.code]
        found = self.found or _found(self.message)
        return Finding(line, self.code, about.severity, self.message, self.path, found, about.expected)


_MARKS = ("; this is ", ": found ", "; found ")


def _found(message: str) -> str:
    """What a message says was found: behind these words, else its first sentence."""
    for mark in _MARKS:
        message = message.partition(mark)[2] or message
    return message.partition(". ")[0].rstrip(".")


def quote(value: object, limit: int = QUOTE_LIMIT) -> str:
    """A short, escaped glimpse of a value from the file, in which whatever looks like a key, a token, an address
    or a telephone number is hidden."""
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
