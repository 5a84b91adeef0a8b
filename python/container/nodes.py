"""The NodeManagers, which start and stop containers, each by a token of its own."""

from rpc import Connection, RemoteError
from wire import message

CONTAINER_PROTOCOL = "org.apache.hadoop.yarn.api.ContainerManagementProtocolPB"


class NotDone(Exception):
    """What a node was asked for it has not done, as far as is known; the words are for the user."""


class Nodes:
    def __init__(self, protections):
        self.protections = protections
        self.tokens = {}

    def learn(self, tokens):
        """The ResourceManager gives each token once."""
        for each in tokens:
            self.tokens[address_of(each.one(1))] = token_of(each.one(2))

    def start(self, container, launch):
        request = message((1, message((1, launch), (2, container.bytes(6)))))
        failed = self.call(container, "startContainers", request).all(3)
        if failed:
            raise NotDone(failed[0].one(2).text(1))

    def stop(self, container):
        self.call(container, "stopContainers", message((1, container.bytes(1))))

    def call(self, container, method, request):
        address = address_of(container.one(2))
        token = self.tokens.get(address)
        if token is None:
            raise NotDone("YARN gave no token for its node")
        try:
            with Connection(address, CONTAINER_PROTOCOL, token, self.protections) as node:
                return node.call(method, request)
        except RemoteError as error:
            raise NotDone(str(error)) from error
        except (OSError, ValueError) as error:
            raise NotDone(f"its node {address[0]}:{address[1]} does not answer ({error})") from error


def address_of(node):
    return node.text(1), node.number(2)


def token_of(fields):
    names = ("identifier", "password", "kind", "service")
    return {name: fields.bytes(number) for number, name in enumerate(names, 1)}
