"""Calls the official SDK's Application, one method after the other, and prints what came of each.

usage: calls.py APP < CALLS

CALLS is JSON: a list of [method, {argument: value}].
"""

import json
import sys

from nextmv.cloud import Application, Client
from official import application, attempt, say

app_id = sys.argv[1]


def call(method: str, arguments: dict) -> dict:
    if method == "get":
        return attempt(lambda: Application.get(client=Client(), id=app_id))
    return attempt(lambda: getattr(application(app_id), method)(**arguments))


say([call(method, arguments) for method, arguments in json.load(sys.stdin)])
