"""Started by the gateway with this folder's Python side; see dask_gateway_evaluator.serve.

This file alone must be readable by any Python, so that one that is too old is told so.
"""

import json
import os
import sys


def main():
    # What configurations and handlers print goes to standard error, and nothing they run inherits our pipes.
    requests = os.fdopen(os.dup(0), "rb")
    replies = os.fdopen(os.dup(1), "wb")
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    hello = {"version": "%d.%d.%d" % sys.version_info[:3], "executable": sys.executable}
    replies.write((json.dumps(hello) + "\n").encode("ascii"))
    replies.flush()
    if sys.version_info < (3, 9):
        return
    end_with_parent()
    # Ours come first, also before an installed server of the same name, and write no files here.
    here = os.path.dirname(os.path.abspath(__file__))
    sys.path[:] = [here] + [each for each in sys.path if each != here]
    keep, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    import dask_gateway_server.options  # noqa: F401
    from dask_gateway_evaluator.serve import serve

    sys.dont_write_bytecode = keep
    sys.argv[:] = [sys.argv[0]]
    serve(requests, replies)


def end_with_parent():
    """Linux: be killed when the gateway dies, also in the middle of a handler. Elsewhere the end of input does it."""
    try:
        import ctypes

        ctypes.CDLL(None).prctl(1, 9)  # PR_SET_PDEATHSIG, SIGKILL
    except Exception:
        pass


if __name__ == "__main__":
    main()
