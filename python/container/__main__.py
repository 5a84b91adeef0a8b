"""What the gateway runs in each container of YARN: `master` beside the scheduler, `worker` in front of a worker.

It comes with the container's command, after the setup, and needs Python 3.9 and nothing else. Everything it must know, secrets
included, is in the credentials that YARN gives the container, since a command and an environment can be read by others.
"""

import json
import os
import sys

import credentials
import dask_command
import master

SECRET = b"dask-gateway"


def main(role):
    with open(os.environ["HADOOP_TOKEN_FILE_LOCATION"], "rb") as file:
        tokens, secrets = credentials.decode(file.read())
    given = json.loads(secrets[SECRET])
    if role == "worker":
        argv, environment = dask_command.prepare(given)
        os.execvpe(argv[0], argv, environment)
    return master.run(given, tokens)


sys.exit(main(sys.argv[1]))
