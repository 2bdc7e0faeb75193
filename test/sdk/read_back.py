"""Reads one run back with the official SDK, in every way that it has, and prints what came of each.

usage: read_back.py APP RUN DIR

Files of runs that are not JSON are put below DIR, in `result`, `output` and `input`.
"""

import os
import sys

from nextmv import PollingOptions
from official import application, attempt, say

app_id, run_id, directory = sys.argv[1:]
app = application(app_id)


def below(name: str) -> str:
    path = os.path.join(directory, name)
    os.makedirs(path, exist_ok=True)
    return path


say(
    {
        "information": attempt(lambda: app.run_information(run_id)),
        "result": attempt(lambda: app.run_result(run_id, output_dir_path=below("result"))),
        "output": attempt(lambda: app.run_output(run_id, output_dir_path=below("output"))),
        "input": attempt(lambda: app.run_input(run_id, output_dir_path=below("input"))),
        "logs": attempt(lambda: app.run_logs(run_id)),
        "live_logs": attempt(lambda: app.run_logs_with_polling(run_id, polling_options=PollingOptions())),
        "assets": attempt(lambda: app.list_assets(run_id)),
        "asset_contents": attempt(lambda: [app.download_asset_content(each) for each in app.list_assets(run_id)]),
    }
)
