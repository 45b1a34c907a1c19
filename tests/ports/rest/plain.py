"""The least that a REST system can do: five calls, and nothing that proves, remembers or finds anything."""

import socket
from typing import Any

from accord.connectors.rest.answers import decode
from accord.model import Natives

from .fake import Call, Fake, Reply


class Plain(Fake):
    """Things in a dict: an array of all, one, POST, PATCH and DELETE. People change `things` directly."""

    def __init__(self) -> None:
        super().__init__()
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        self.things: dict[str, dict[str, Any]] = {}
        self._last = 0

    def insert(self, natives: Natives) -> str:
        self._last += 1
        id = str(self._last)
        self.things[id] = {"name": None, "price": None, "note": None, "number": None, **natives, "id": self._last}
        return id

    def edit(self, id: str, natives: Natives) -> None:
        self.things[id].update(natives)

    def delete(self, id: str) -> None:
        del self.things[id]

    def get(self, id: str) -> Natives | None:
        return self.things.get(id)

    def _chosen(self, call: Call) -> Any:
        id = call.path.removeprefix("/things").strip("/")
        if id and id not in self.things:
            return Reply({"message": "no such thing"}, 404)
        body = decode(call.body) if call.body else {}
        if self._is_taken(body.get("number"), id):
            return Reply({"message": "there is such a number"}, 422)
        match call.method:
            case "GET":
                return self.things[id] if id else list(self.things.values())
            case "POST":
                return Reply(self.things[self.insert(body)], 201)
            case "PATCH":
                self.edit(id, body)
                return self.things[id]
        self.delete(id)
        return Reply(b"", 204)

    def _is_taken(self, number: Any, id: str) -> bool:
        others = (thing for other, thing in self.things.items() if other != id)
        return number is not None and any(thing["number"] == number for thing in others)
