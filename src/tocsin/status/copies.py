"""Continuous copies: every public page as files in a folder, written anew whenever what they show has changed."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path

from tocsin.clock import Clock, monotonic
from tocsin.core.status import Page
from tocsin.status.board import Board
from tocsin.status.export import files, write

LOOK_SECONDS = 2.0
ANEW_SECONDS = 300.0  # without a change: uptime counts on, days pass, and the copy says how old it is

log = logging.getLogger(__name__)


class Copies:
    """`folder` None: there are none. Each page is `folder/ID`; `url` is where the folder stands on the web."""

    def __init__(self, board: Board, clock: Clock, public_url: str, folder: Path | None, url: str | None) -> None:
        self._board, self._clock, self._public_url = board, clock, public_url
        self._folder, self._url = folder, url
        self.error = ""

    async def run(self) -> None:
        if self._folder is None:
            return
        written, at = -1, 0.0
        while True:
            generation = self._board.generation
            if generation != written or monotonic() - at > ANEW_SECONDS:
                await asyncio.to_thread(self.copy, self._folder)
                written, at = generation, monotonic()
            await asyncio.sleep(LOOK_SECONDS)

    def copy(self, folder: Path) -> None:
        """Every page that anybody may see is in the folder; a private one never is."""
        self.error = ""
        for page in self._board.known.pages:
            if page.private:
                continue
            try:
                write(folder / page.id, self._files(page))
            except (OSError, ValueError) as error:
                self.error = f"{folder / page.id}: {error}"
                log.error("the copy of page %s could not be written: %s", page.id, error)

    def _files(self, page: Page) -> dict[str, bytes]:
        url = f"{self._url}/{page.id}" if self._url else f"{self._public_url}/status/{page.id}"
        return files(self._board.known, page, self._clock.now(), url, self._board.logos.get(page.id))
