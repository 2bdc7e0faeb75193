"""Tracks one run with the official SDK, and prints what came of it.

usage: track.py APP < ORDER

ORDER is JSON: `run` has the fields of a TrackedRun, as they are or with `objects` wrapped in the SDK's own classes;
`instance_id` and `format` ({"input": ..., "output": ...}) are optional; with `polling` the result is waited for and
comes back beside the id; `patience` has fields of the SDK's Client, such as its timeout. Prints {"value": {"run_id": ..., "result": ...}} or {"error": ..., "text": ...}.
"""

import json
import sys
from typing import Any

import nextmv
from nextmv.run import Format, FormatInput, FormatOutput, RunConfiguration, TrackedRun, TrackedRunStatus
from official import application, attempt, say


def tracked_run(fields: dict[str, Any], objects: bool) -> TrackedRun:
    fields = dict(fields)
    status = TrackedRunStatus(fields.pop("status"))
    if objects:
        fields["input"] = nextmv.Input(data=fields["input"])
        fields["output"] = nextmv.Output(**fields["output"])
    return TrackedRun(status=status, **fields)


def content_format(side: str, older: type) -> Any:
    """`text` and `csv-archive` are only in the enums that came before ContentFormat."""
    return older(side) if side in ("text", "csv-archive") else nextmv.ContentFormat(side)


def configuration(sides: dict[str, str] | None) -> RunConfiguration | None:
    if sides is None:
        return None
    return RunConfiguration(
        format=Format(
            format_input=FormatInput(input_type=content_format(sides["input"], nextmv.InputFormat)),
            format_output=FormatOutput(output_type=content_format(sides["output"], nextmv.OutputFormat)),
        )
    )


def track(order: dict[str, Any]) -> dict[str, Any]:
    app = application(sys.argv[1], order.get("patience"))
    how = {"instance_id": order.get("instance_id"), "configuration": configuration(order.get("format"))}
    run = tracked_run(order["run"], order.get("objects", False))
    polling = order.get("polling")
    if polling is None:
        return {"run_id": app.track_run(run, **how)}
    # Fresh options each time: the SDK keeps state in its shared defaults.
    options = nextmv.PollingOptions(**polling)
    result = app.track_run_with_result(run, polling_options=options, **how)
    return {"run_id": result.id, "result": result}


order = json.load(sys.stdin)
say(attempt(lambda: track(order)))
