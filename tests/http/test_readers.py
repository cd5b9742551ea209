"""What the engine remembers is the writer's; whoever only looks reads the store's own moment."""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import Any

from tests.http.routes_of import routes
from tests.http.world import Server


class Watched(OrderedDict[Any, Any]):
    """Remembers which threads asked it."""

    def __init__(self) -> None:
        super().__init__()
        self.threads: set[int] = set()

    def get(self, key: Any, default: Any = None) -> Any:
        self.threads.add(threading.get_ident())
        return super().get(key, default)


def test_no_page_and_no_answer_reads_the_writers_memory_on_another_thread(server: Server):
    server.world.alert("Checkout is down", key="k")
    writer = server.world.do(lambda _: threading.get_ident())
    reads = [each for each in routes(server) if each.method == "GET" and each.names_an_incident and not each.stream]
    client = server.client(server.world.token("owner", "olga"))
    told = []

    for route in reads:
        server.world.engine._cache = watched = Watched()
        client.get(route.at(incident="INC-2026-001"))
        told += [route.path] if watched.threads - {writer} else []

    assert len(reads) > 10
    assert told == []
