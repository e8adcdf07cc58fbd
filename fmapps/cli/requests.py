"""What a person writes on the command line or in a file, fitted to a request model, with every misfit named."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from types import UnionType
from typing import Any, TypeVar, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError

from fmapps.cli.options import pairs
from fmapps.errors import InputError
from fmapps.task import QuestionRequest
from fmapps.vertical import Vertical

Request = TypeVar("Request", bound=BaseModel)


def request_values(model: type[BaseModel], file: str | None, given: Sequence[str] | None) -> dict[str, Any]:
    """The fields of a request: those of the file, then those given as `key=value`, which win.

    Args:
        model: tells which fields hold lists or objects.
        file: path of a JSON object; "-" is stdin; None: no file.
        given: `key=value`; a repeated key makes a list; a value that begins with [ or { is read as JSON where the
            field is not a text.

    Raises:
        InputError: the file is missing, is no JSON, or is not an object.
    """
    values = _from_file(file) if file is not None else {}
    repeated: dict[str, list[str]] = {}
    for key, text in pairs(given, "--set"):
        repeated.setdefault(key, []).append(text)
    for key, texts in repeated.items():
        values[key] = _value(model, key, texts)
    return values


def fitted(model: type[Request], values: dict[str, Any], *, what: str) -> Request:
    """The request.

    Args:
        model: what must come out.
        values: what was given.
        what: names the request in the error.

    Raises:
        InputError: naming every field that does not fit, and the fields there are.
    """
    try:
        return model.model_validate(values)
    except ValidationError as error:
        misfits = "; ".join(
            f"{'.'.join(map(str, one['loc'])) or 'the request'}: {one['msg'].lower()}"
            for one in error.errors(include_url=False, include_input=False, include_context=False)
        )
        raise InputError(f"{what} does not fit: {misfits}", remedy=f"its fields: {describe_fields(model)}") from None


def describe_fields(model: type[BaseModel]) -> str:
    """The fields of a request model, the required ones marked."""
    return ", ".join(
        f"{name} (required)" if field.is_required() else name for name, field in model.model_fields.items()
    )


def _from_file(file: str) -> dict[str, Any]:
    where = "stdin" if file == "-" else file
    try:
        text = sys.stdin.read() if file == "-" else Path(file).read_text(encoding="utf-8-sig")
        values = json.loads(text)
    except FileNotFoundError:
        raise InputError("there is no such file", where=where, remedy="name an existing file of JSON") from None
    except UnicodeDecodeError:
        raise InputError("the file is not UTF-8 text", where=where, remedy="save it as UTF-8") from None
    except json.JSONDecodeError as error:
        raise InputError(
            f"no JSON: {error.msg}", where=f"{where}, line {error.lineno}, column {error.colno}", remedy="mend it there"
        ) from None
    if not isinstance(values, dict):
        raise InputError(
            f"a request is a JSON object, and this is a {type(values).__name__}",
            where=where,
            remedy='write it as {"field": value, ...}',
        )
    return values


def _value(model: type[BaseModel], key: str, texts: list[str]) -> Any:
    field = model.model_fields.get(key)
    kinds = _kinds(field.annotation) if field else set()
    if len(texts) == 1 and texts[0].lstrip().startswith(("[", "{")) and str not in kinds:
        try:
            return json.loads(texts[0])
        except ValueError:
            return texts[0]
    listed = kinds & {list, tuple, set, frozenset}
    return texts if len(texts) > 1 or listed else texts[0]


def _kinds(annotation: Any) -> set[Any]:
    """The types an annotation lets in, unions taken apart and parameters left off."""
    origin = get_origin(annotation)
    if origin in (Union, UnionType):
        return {kind for part in get_args(annotation) for kind in _kinds(part)}
    return {origin or annotation}


def vertical_parameters(vertical: Vertical, question: str, given: Sequence[str] | None) -> dict[str, Any]:
    """The parameters of a question that a vertical brings, fitted to the request model of its question task.

    Returns:
        Each parameter given, as a scalar.

    Raises:
        InputError: a parameter the vertical does not have, or a value that does not fit.
    """
    model = vertical.tasks[0].request
    own = own_parameters(model)
    values = request_values(model, None, given)
    unknown = sorted(set(values) - set(own))
    if unknown:
        raise InputError(
            f"a question in {vertical.name} has no parameter {unknown[0]!r}",
            where="--set",
            remedy=f"its parameters: {', '.join(own)}" if own else "it has none: leave --set out",
        )
    request = fitted(model, {"question": question, **values}, what="the question")
    chosen = {name: getattr(request, name) for name in values}
    return {
        name: value if isinstance(value, str | int | float | bool) else str(value) for name, value in chosen.items()
    }


def own_parameters(model: type[BaseModel]) -> tuple[str, ...]:
    """The fields that a vertical adds to the question that every vertical has."""
    return tuple(name for name in model.model_fields if name not in QuestionRequest.model_fields)
