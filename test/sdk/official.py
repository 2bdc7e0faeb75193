"""What the driver scripts share: the app under test, and the SDK's objects and errors as JSON.

The connection comes from NEXTMV_ENDPOINT and NEXTMV_API_KEY, as with any program that uses the SDK.
"""

import dataclasses
import enum
import json
import sys
from datetime import datetime
from typing import Any, Callable

from nextmv.cloud import Application, Client


def application(app_id: str, patience: dict[str, float] | None = None) -> Application:
    return Application(client=Client(**(patience or {})), id=app_id)


def attempt(call: Callable[[], Any]) -> dict[str, Any]:
    """What came of it: {"value": ...} or {"error": kind, "text": what it says}."""
    try:
        return {"value": plain(call())}
    except Exception as error:
        return {"error": type(error).__name__, "text": str(error)}


def plain(value: Any) -> Any:
    """The value as JSON has it."""
    if hasattr(value, "to_dict"):
        return plain(value.to_dict())
    if hasattr(value, "model_dump"):
        return plain(value.model_dump())
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return plain(dataclasses.asdict(value))
    if isinstance(value, dict):
        return {key: plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [plain(inner) for inner in value]
    if isinstance(value, enum.Enum):
        return value.value
    if isinstance(value, datetime):
        return value.isoformat()
    return value


def say(answer: Any) -> None:
    """The one line on stdout that the caller reads."""
    json.dump(answer, sys.stdout)
    sys.stdout.write("\n")
