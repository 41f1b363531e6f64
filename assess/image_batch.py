"""Many images checked, each distinct one once and several at a time; answers come in the order of the questions."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from assess.errors import AssessError
from assess.examine import Trust
from assess.image_check import Asked, check_image
from assess.image_told import as_told
from assess.images.opening import ImageOptions, Session, open_store

WORKERS = 8
"""Images that are checked at a time: registries take their time to answer, and count who asks too often."""


@dataclass(frozen=True, slots=True)
class Answer:
    """One image: what its check tells (attestations can be large, so they are not kept), or why there is none."""

    reference: str
    told: dict[str, Any] | None
    error: AssessError | None = None


def check_images(
    references: tuple[str, ...],
    options: ImageOptions,
    trust: Trust,
    asked: Asked,
    progress: Callable[[int, int], None] | None = None,
) -> tuple[Answer, ...]:
    """An answer for each distinct reference, in their order. `progress` is told how many of how many are done."""
    session = Session(options)
    distinct = tuple(dict.fromkeys(references))

    def one(reference: str) -> Answer:
        try:
            return Answer(
                reference, as_told(check_image(open_store(reference, session=session), reference, trust, asked))
            )
        except AssessError as problem:
            return Answer(reference, None, problem)

    if len(distinct) == 1:
        return (one(distinct[0]),)
    done = 0
    answers: dict[str, Answer] = {}
    with ThreadPoolExecutor(min(WORKERS, len(distinct) or 1), "image") as pool:
        waiting: list[tuple[str, Future[Answer]]] = [(text, pool.submit(one, text)) for text in distinct]
        try:
            for text, future in waiting:
                answers[text] = future.result()
                done += 1
                if progress is not None:
                    progress(done, len(distinct))
        except BaseException:
            # Ctrl-C must not wait for what was not begun.
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    return tuple(answers[text] for text in distinct)
