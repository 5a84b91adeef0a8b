"""In front of probe_job.py in a container of YARN: its certificate and its key come with the credentials."""

import json
import os
import sys

import credentials
import probe_job

SECRET = b"dask-gateway"


def main(arguments):
    with open(os.environ["HADOOP_TOKEN_FILE_LOCATION"], "rb") as file:
        _, secrets = credentials.decode(file.read())
    folder = os.path.dirname(os.path.abspath(__file__))
    for name, text in json.loads(secrets[SECRET]).items():
        with open(os.open(os.path.join(folder, name), os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(text)
    probe_job.main(*arguments)


main(sys.argv[1:])
