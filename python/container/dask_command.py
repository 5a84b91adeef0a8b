"""The command of a scheduler or a worker: its secrets become files that nobody else can read, its environment names them."""

import os
import shutil

FOLDER = ".dask-gateway-secrets"


def prepare(given):
    """The command's arguments and environment."""
    folder = os.path.abspath(FOLDER)
    os.mkdir(folder, 0o700)
    for name, text in given["files"].items():
        path = os.path.join(folder, name)
        file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
        with os.fdopen(file, "w") as stream:
            stream.write(text)
    paths = {name: os.path.join(folder, file) for name, file in given["paths"].items()}
    environment = {**os.environ, **given["environment"], **paths}
    return ["bash", "-c", given["script"], "dask-gateway", *given["args"]], environment


def forget():
    """Removes the files."""
    shutil.rmtree(FOLDER, ignore_errors=True)
