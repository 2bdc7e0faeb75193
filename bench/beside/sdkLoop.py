"""The official SDK in the loop that its documentation suggests: a folder is polled, and what is new in it is tracked.

usage: sdkLoop.py DROP_ROOT DONE_FILE      (NEXTMV_ENDPOINT and NEXTMV_API_KEY say where)

A folder with a meta.json is complete. Its result is written beside it, its name into the file of what is done.
"""

import json
import os
import sys
import time

from nextmv.cloud import Application, Client
from nextmv.run import TrackedRun, TrackedRunStatus

POLL_SECONDS = 1.0

root, done_file = sys.argv[1:3]
app = Application(client=Client(), id="bench-app")
done = set(os.listdir(root))


def track(name: str) -> None:
    def read(file: str) -> str:
        with open(os.path.join(root, name, file), encoding="utf-8") as opened:
            return opened.read()

    meta = json.loads(read("meta.json"))
    run_id = app.track_run(
        TrackedRun(
            name=name,
            status=TrackedRunStatus(meta["status"]),
            duration=int(meta["duration"] * 1000),
            input=json.loads(read("input.json")),
            output=json.loads(read("output.json")),
            logs=read("run.log"),
        )
    )
    result = app.run_result(run_id)
    with open(os.path.join(root, name, "result.json"), "w", encoding="utf-8") as opened:
        json.dump(result.to_dict(), opened)
    done.add(name)
    with open(done_file, "a", encoding="utf-8") as opened:
        opened.write(name + "\n")


print("ready", flush=True)
while True:
    for name in sorted(os.listdir(root)):
        if name not in done and os.path.exists(os.path.join(root, name, "meta.json")):
            track(name)
    time.sleep(POLL_SECONDS)
