"""The ResourceManager, as one application's master asks it. There may be several, of which one answers."""

import time

from nodes import token_of
from rpc import Connection, RemoteError
from wire import message

PROTOCOL = "org.apache.hadoop.yarn.api.ApplicationMasterProtocolPB"
RESYNC, SHUTDOWN = 1, 2
# One that comes back may not know our token for a moment.
UNKNOWN_LIMIT = 60


class Over(Exception):
    """YARN says that the application has ended."""


class Refused(Exception):
    """What was asked for can never be had; the words are for the user."""


class NoAnswer(Exception):
    """It has not done what it was asked for, as far as is known. The next call makes what is needed for another try."""


class Manager:
    def __init__(self, addresses, protections, token):
        self.addresses = addresses
        self.protections = protections
        self.token = token
        self.connection = None
        self.server = 0
        # Whether it knows this master; else `register` comes first.
        self.registered = False
        self.response = 0
        self.unknown_since = None

    def register(self):
        self.response = 0
        answer = self.call("registerApplicationMaster", message((1, ""), (2, -1), (3, "")))
        self.registered = True
        return answer

    def allocate(self, ask, release):
        """A heartbeat, that may ask for containers and give some back."""
        releases = [(2, each) for each in release]
        answer = self.call("allocate", message((1, ask), *releases, (4, self.response)))
        self.response = answer.number(2)
        if 12 in answer.values:
            # Keys of tokens roll, and the old one is good for a while only.
            self.token = token_of(answer.one(12))
        if answer.number(1) == SHUTDOWN:
            raise Over("the ResourceManager says so")
        if answer.number(1) == RESYNC:
            self.registered = False
        return answer

    def finish(self, words, status):
        """Whether it has written that the application has ended; else it is to be asked again."""
        request = message((1, words), (2, ""), (3, status))
        return self.call("finishApplicationMaster", request).number(1) != 0

    def call(self, method, request):
        try:
            if self.connection is None:
                address = self.addresses[self.server % len(self.addresses)]
                self.connection = Connection(tuple(address), PROTOCOL, self.token, self.protections)
            answer = self.connection.call(method, request)
        except RemoteError as error:
            self.learn(error)
            raise NoAnswer from error
        except (OSError, ValueError) as error:
            self.leave()
            raise NoAnswer from error
        self.unknown_since = None
        return answer

    def learn(self, error):
        """What follows from a refusal."""
        name = error.name.rsplit(".", 1)[-1]
        if name == "ApplicationMasterNotRegisteredException":
            self.registered = False
        elif name == "InvalidApplicationMasterRequestException" and "already registered" in str(error):
            self.registered = True
        elif name == "ApplicationAttemptNotFoundException":
            raise Over(str(error))
        elif name.startswith("Invalid") and "ResourceRequest" in name:
            raise Refused(str(error))
        elif name in ("StandbyException", "RetriableException", "ServerTooBusyException"):
            self.leave()
        else:
            self.leave()
            self.unknown_since = self.unknown_since or time.monotonic()
            if time.monotonic() - self.unknown_since > UNKNOWN_LIMIT and "InvalidToken" in name:
                raise Over(str(error))

    def leave(self):
        if self.connection is not None:
            self.connection.close()
        self.connection = None
        self.server += 1
