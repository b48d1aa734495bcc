"""A wrong parameter becomes one line that says what, where, what is allowed and the nearest valid name."""

from __future__ import annotations

from typing import Literal

import numpy as np
import pytest
from pydantic import Field, model_validator

from catapult.parameters import InputError, Parameters, Seed, allowed_values, nearest, type_name, whole


class Example(Parameters):
    learning_rate: float = Field(1.0, gt=0, le=100, description="η")
    steps: int = Field(10, ge=1, description="steps")
    loss: Literal["logistic", "squared"] = Field("logistic", description="loss")
    centred: bool = Field(True, description="centring")
    batch_size: int | None = Field(None, ge=1, description="batch")
    seed: Seed = Field(0, description="seed")

    @model_validator(mode="after")
    def _batch_is_smaller(self):
        if (self.batch_size or 0) > self.steps:
            raise ValueError(f"batch_size = {self.batch_size}, steps = {self.steps}: the first must be the smaller")
        return self

    scales = {"quick": {"steps": 2}, "paper": {"steps": 1000}}  # noqa: RUF012


def test_text_becomes_the_type_of_its_field():
    values = Example.checked({"learning_rate": "1e-3", "steps": "7", "centred": "false", "batch_size": "none"})
    assert values.as_dict() == {"learning_rate": 1e-3, "steps": 7, "loss": "logistic", "centred": False,
                                "batch_size": None, "seed": 0}
    assert Example.checked({"batch_size": "8"}).batch_size == 8


def test_scale_changes_the_defaults_and_given_values_win():
    assert Example.checked(scale="quick").steps == 2
    assert Example.checked({"steps": 5}, scale="paper").steps == 5


@pytest.mark.parametrize(
    ("values", "parts"),
    [
        ({"leraning_rate": 1.0}, ["leraning_rate", "did you mean 'learning_rate'?", "steps"]),
        ({"learning_rate": "fast"}, ["learning_rate", "finite number", "> 0", "≤ 100"]),
        ({"learning_rate": "nan"}, ["learning_rate", "finite number"]),
        ({"learning_rate": "inf"}, ["learning_rate", "finite number"]),
        ({"learning_rate": float("nan")}, ["learning_rate", "finite number"]),
        ({"learning_rate": float("inf")}, ["learning_rate"]),
        ({"learning_rate": 0}, ["learning_rate", "> 0"]),
        ({"learning_rate": "1000"}, ["learning_rate", "≤ 100"]),
        ({"steps": "1.5"}, ["steps", "whole number"]),
        ({"steps": 1.5}, ["steps", "whole number"]),
        ({"steps": True}, ["steps"]),
        ({"loss": "logstic"}, ["loss", "did you mean 'logistic'?", "logistic, squared"]),
        ({"steps": 7, "batch_size": 8}, ["batch_size = 8, steps = 7: the first must be the smaller"]),
        ({"seed": 2**63}, ["seed", "≤ 9223372036854775807"]),
        ({"centred": "maybe"}, ["centred", "true or false"]),
        ({"steps": "__import__('os').getcwd()"}, ["steps", "whole number"]),
    ],
)
def test_wrong_value_is_one_line_that_names_it_and_what_is_allowed(values, parts):
    with pytest.raises(InputError) as caught:
        Example.checked(values, where="chapter x")
    message = str(caught.value)
    assert "\n" not in message
    assert message.startswith("chapter x: ")
    for part in parts:
        assert part in message


def test_values_alone_are_checked_without_the_rules_on_several():
    assert Example.each({"batch_size": "32", "learning_rate": 2}) == {"batch_size": 32, "learning_rate": 2.0}
    for values in ({"batch_size": "0"}, {"batch_sise": "1"}, {"learning_rate": "nan"}):
        with pytest.raises(InputError, match=r"^-p: .*allowed"):
            Example.each(values, where="-p")


def test_what_is_far_from_every_name_gets_no_suggestion():
    assert nearest("nope", ["speed", "steps"]) == ""
    assert nearest("sped", ["speed", "steps"]) == " (did you mean 'speed'?)"


def test_unknown_scale_is_refused():
    with pytest.raises(InputError, match=r"quik.*did you mean 'quick'"):
        Example.checked(scale="quik")


def test_schema_in_words():
    assert allowed_values(Example, "learning_rate") == "a finite number > 0 and ≤ 100"
    assert allowed_values(Example, "loss") == "logistic, squared"
    assert type_name(Example, "batch_size") == "a whole number or none"


@pytest.mark.parametrize("value", [True, 5.0, "5", None, 4, float("nan")])
def test_a_whole_number_is_one_by_its_type_and_not_too_small(value):
    assert whole("n", np.int64(5), 5) == 5
    with pytest.raises(InputError, match=r"n = .*; allowed: a whole number ≥ 5"):
        whole("n", value, 5)
