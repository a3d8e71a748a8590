"""Has the answer the form that a JSON schema asks for?"""

from __future__ import annotations

from typing import Any

from pydantic import Field, PrivateAttr

from trainer.errors import BadInput
from trainer.evals.case import Answer, Case
from trainer.evals.metrics.json_validity import NotJson, read_value
from trainer.evals.metrics.metric import Measure
from trainer.evals.metrics.schemas import compiled


class JsonSchema(Measure):
    """1 when the whole answer is one JSON value that meets `schema`. No schema is ever fetched."""

    name = "json_schema"

    schema_: dict[str, Any] = Field(alias="schema")
    _meets: Any = PrivateAttr()

    def model_post_init(self, context: Any) -> None:
        self._meets = compiled(self.schema_)

    def score(self, case: Case, answer: Answer) -> float:
        try:
            value = read_value(answer.text)
        except NotJson:
            return 0.0
        try:
            return float(self._meets(value))
        except RecursionError:
            said = "The schema, or the answer, refers to itself without an end."
            raise BadInput(said, fix="Write the schema without that circle.", code="bad_metric") from None

    def applies(self, case: Case) -> bool:
        return True
