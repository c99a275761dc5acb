"""Asking many questions at once, each in an interpreter of its own.

The calculus is pure Python, so two questions share the time of two processors only in two processes. They are plain
children that are asked over pipes: unlike a process pool they do not import the caller's main module, so a script
without a guard and a notebook may ask as well, and an interruption of the caller ends them at once.
"""

from __future__ import annotations

import os
import pickle
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from queue import SimpleQueue
from typing import Any, TypeVar

Question = TypeVar("Question")
Answer = TypeVar("Answer")

Child = subprocess.Popen[bytes]


class ChildEnded(RuntimeError):
    """A child process ended before it answered; it was killed, or ran out of memory."""


def ask_all(
    function: Callable[[Question], Answer], questions: Sequence[Question], workers: int
) -> Iterator[tuple[Question, Answer]]:
    """Each question with its answer, in order, from so many child processes.

    Args:
        function: a function of a module, found there by its name in the child.
        questions: its arguments, which can be pickled, as can the answers.
        workers: the number of children.

    Raises:
        ChildEnded: a child ended before its time.
        Exception: what the function raised in the child.
    """
    idle: SimpleQueue[Child] = SimpleQueue()
    children = [_start(function) for _ in range(workers)]
    for child in children:
        idle.put(child)

    def ask(question: Question) -> Answer:
        child = idle.get()
        answer: Answer = _exchange(child, question)
        idle.put(child)
        return answer

    try:
        with ThreadPoolExecutor(workers) as pool:
            try:
                yield from zip(questions, pool.map(ask, questions), strict=True)
            except BaseException:
                # The threads wait for the children; without them they end.
                pool.shutdown(wait=False, cancel_futures=True)
                _end(children)
                for child in children:
                    idle.put(child)
                raise
    finally:
        _end(children)


def _start(function: Callable[[Question], Answer]) -> Child:
    command = f"from {__name__} import serve; from {function.__module__} import {function.__name__} as f; serve(f)"
    # A session of its own: an interruption from the terminal reaches the caller alone, which then ends its children.
    return subprocess.Popen(
        [sys.executable, "-P", "-c", command],  # -P: a folder called theory where the user stands is none of ours
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        start_new_session=True,
    )


def _exchange(child: Child, question: object) -> Any:
    assert child.stdin is not None
    assert child.stdout is not None
    try:
        pickle.dump(question, child.stdin)
        child.stdin.flush()
        failed, answer = pickle.load(child.stdout)
    except (OSError, EOFError, ValueError) as error:
        raise ChildEnded(f"a child process ended with status {child.poll()}") from error
    if failed:
        raise answer
    return answer


def _end(children: Sequence[Child]) -> None:
    for child in children:
        _kill(child)
    for child in children:
        child.wait()
        for stream in (child.stdin, child.stdout):
            if stream is not None and not stream.closed:
                with suppress(OSError):
                    stream.close()


def _kill(child: Child) -> None:
    """End a child and the processes that it started itself, which are of its session."""
    if child.poll() is not None or not hasattr(os, "killpg"):
        child.kill()  # nothing, if it has ended
        return
    with suppress(ProcessLookupError):
        os.killpg(child.pid, signal.SIGKILL)


def serve(function: Callable[[Question], Answer]) -> None:
    """Answer the questions on standard input until it ends; what the function raises is an answer as well."""
    with open(sys.stdin.fileno(), "rb") as questions, open(sys.stdout.fileno(), "wb") as answers:
        while questions.peek(1):
            reply: tuple[bool, object]
            try:
                reply = (False, function(pickle.load(questions)))
            except Exception as error:
                reply = (True, error)
            pickle.dump(reply, answers)
            answers.flush()
