"""An expression that is not allowed: where, what stands there, and what would be allowed."""

from cloud_api.problems import Kinds, Problem, body_invalid

SHOWN_CHARACTERS = 40


class ExpressionInvalid(Exception):
    """An expression cannot be read; `position` counts characters from 0."""

    def __init__(self, text: str, position: int, detail: str, allowed: str, near: str | None = None) -> None:
        self.text = text
        self.position = position
        self.near = (near if near is not None else text[position : position + 20])[:SHOWN_CHARACTERS]
        self.detail = detail
        self.allowed = allowed
        super().__init__(f"{self.where}: allowed is {allowed}")

    @property
    def where(self) -> str:
        """What is wrong and where, for people, who count from 1."""
        shown = self.near if self.near == "the end" or not self.near else f"`{self.near}`"
        return f"at character {self.position + 1}, {shown or 'the text'} {self.detail}"


def refusal(error: ExpressionInvalid, field: str) -> Problem:
    """The problem document of an expression in that field of a body."""
    refused = body_invalid(field, error.text, error.where, error.allowed)
    return Problem(Kinds.BODY_INVALID, refused.detail, fields=refused.fields, more={"position": error.position})
