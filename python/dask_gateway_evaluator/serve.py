"""The conversation with the gateway: one JSON object a line, one request at a time.

    {"id", "do": "evaluate", "file", "sources": {path: base64}, "limit": seconds}
    {"id", "do": "fields", "file", "class", "user", "limit"}
    {"id", "do": "settings", "file", "class", "user", "values", "limit"}

Every request is answered by one object with its id. When a request takes longer than ``limit``, the stack goes to
standard error (the gateway reads the line from it and ends this process).
"""

import faulthandler
import json
import sys

from . import choices
from .evaluate import Evaluation


def serve(requests, replies):
    evaluations = {}
    for line in requests:
        request = json.loads(line)
        faulthandler.dump_traceback_later(request["limit"], file=2)
        try:
            reply = answer(evaluations, request)
            text = json.dumps(reply, allow_nan=False)
        except BaseException as error:
            text = json.dumps({"error": {"kind": "raised", "message": str(error)}})
        finally:
            faulthandler.cancel_dump_traceback_later()
        for stream in (sys.stdout, sys.stderr):
            try:
                stream.flush()
            except Exception:
                pass  # a handler may have closed or replaced it
        replies.write(b'{"id": %d, "reply": %s}\n' % (request["id"], text.encode("ascii")))
        replies.flush()


def answer(evaluations, request):
    if request["do"] == "evaluate":
        evaluation = evaluations[request["file"]] = Evaluation(request["file"], request["sources"])
        return evaluation.run()
    source = evaluations[request["file"]].options[request["class"]]
    if request["do"] == "fields":
        return choices.fields(source, request["user"])
    return choices.settings(source, request["user"], request["values"])
