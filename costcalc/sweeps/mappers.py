"""Who does a sweep's work, block by block: this process, several, or a cluster, with bounded memory each."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import CancelledError
from functools import partial
from typing import Any

from costcalc.base import Datum
from costcalc.base.errors import first_line, stop
from costcalc.base.hints import argument, said
from costcalc.base.optional import need

Work = Callable[[int], Any]  # what is done with a block: it and what it gives are plain data, for other processes
Mapper = Callable[[Work, Sequence[int]], Iterator[Datum]]
EQUAL = "scheduler and workers need the same costcalc, with its extra dask"
LISTENS, WORKS = 5, 30  # seconds until a cluster's scheduler must have answered, and until it must have a worker


def here(work: Work, numbers: Sequence[int]) -> Iterator[Datum]:
    """Do the work on blocks in this process, in order."""
    return map(work, numbers)


def processes(jobs: int) -> Mapper:
    """Return what does the work in so many local processes, and gives what comes of it in order."""

    def run(work: Work, numbers: Sequence[int]) -> Iterator[Datum]:
        from concurrent.futures import ProcessPoolExecutor
        from concurrent.futures.process import BrokenProcessPool
        from multiprocessing import get_context

        with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
            try:
                yield from _in_window(lambda k: pool.submit(work, k), lambda f: f.result(), numbers, lambda: 2 * jobs)
            except BrokenProcessPool:
                hint = said("most likely memory ran out: count in fewer, {}", argument(jobs=1))
                raise stop("a process that counted has ended before its work", hint=hint) from None

    return run


def dask(address: str) -> Mapper:
    """Return what does the work on a Dask cluster, and gives what comes of it in order. Needs dask."""

    def run(work: Work, numbers: Sequence[int]) -> Iterator[Datum]:
        distributed = need("distributed", "dask")

        def taken(future: Any) -> Any:
            while True:
                try:
                    return future.result(timeout=WORKS)
                except TimeoutError:
                    if not client.nthreads():
                        raise stop(f"the cluster at {address} has no worker left") from None

        with _client(address) as client:
            try:
                _require_equal(client, address)
                submit = partial(client.submit, work, pure=False)
                # workers come and go
                yield from _in_window(submit, taken, numbers, lambda: 2 * max(1, sum(client.nthreads().values())))
            except ImportError as error:
                raise stop(f"{address}: {first_line(error)}", hint=EQUAL) from None
            except distributed.KilledWorker:
                raise stop(f"workers at {address} have ended over a block: most likely memory ran out") from None
            except (OSError, CancelledError):
                raise stop(f"the cluster at {address} was lost before all was counted") from None

    return run


def _client(address: str) -> Any:
    """Return a connection to a cluster that has a worker; raise SpecError where there is none."""
    import logging
    from concurrent.futures import ThreadPoolExecutor

    hint = "dask scheduler starts one, and tells its address: --dask tcp://HOST:8786"
    distributed = need("distributed", "dask")
    for handler in logging.getLogger("distributed").handlers:
        handler.setLevel(logging.CRITICAL)  # what goes wrong is told in words
    try:
        with ThreadPoolExecutor(1) as beside:  # a loop of one's own, where a notebook has one too
            beside.submit(_answered, distributed, address).result()
        client = distributed.Client(address, timeout=LISTENS)
    except OSError:
        raise stop(f"no Dask scheduler answers at '{address}', {LISTENS} seconds long", hint=hint) from None
    except (ValueError, TypeError, ImportError, RuntimeError):  # Dask's words are Python's
        raise stop(f"'{address}' is no address of a Dask scheduler", hint=hint) from None
    try:
        client.wait_for_workers(1, timeout=WORKS)
    except TimeoutError:
        client.close()
        raise stop(f"the cluster at {address} has no worker", hint=f"start one: dask worker {address}") from None
    return client


def _require_equal(client: Any, address: str) -> None:
    """Raise SpecError, or ImportError, where a worker has another costcalc, or none."""
    from importlib.metadata import version

    ours = version("costcalc")
    for worker, theirs in client.run(version, "costcalc").items():
        if theirs != ours:
            raise stop(f"{address}: the worker {worker} has costcalc {theirs}, not {ours}", hint=EQUAL)


def _answered(distributed: Any, address: str) -> None:
    """Raise OSError where nothing at an address answers as Dask does: the client waits for whatever listens there."""
    import asyncio

    async def greeted() -> None:
        given = distributed.Security().get_connection_args("client")
        greeting = distributed.comm.connect(address, timeout=LISTENS, **given)
        await (await asyncio.wait_for(greeting, LISTENS)).close()

    asyncio.run(greeted())


def _in_window(
    submit: Callable[[int], Any], take: Callable[[Any], Any], numbers: Sequence[int], width: Callable[[], int]
) -> Iterator[Datum]:
    """Yield what comes of each number, in order; no more than `width` are under way, or done and not yet taken."""
    waiting: deque[Any] = deque()
    try:
        for number in numbers:
            waiting.append(submit(number))
            if len(waiting) >= width():
                yield take(waiting.popleft())
        while waiting:
            yield take(waiting.popleft())
    finally:
        for future in waiting:
            future.cancel()
