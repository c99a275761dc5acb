"""Targets: what can be named, what each fault is called, and that nothing of a target outlives its process."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from equinorm.targets import examine, open_target
from equinorm.targets.spelling import parse_target
from tests.command import environment, eventually, started_python
from tests.equinorm.inside import opened
from theory.spec.errors import SpecificationError

X = np.random.default_rng(1).standard_normal((2, 3, 4, 5))

Written = Callable[[str], None]

posix = pytest.mark.skipif(os.name != "posix", reason="sessions and signals are those of POSIX")


@pytest.fixture
def written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Written:
    """Write ``mine.py`` into the current folder, with NumPy imported as np."""
    monkeypatch.chdir(tmp_path)

    def write(source: str) -> None:
        (tmp_path / "mine.py").write_text(f"import numpy as np\n{source}\n")

    return write


def fault(text: str = "mine:f", timeout: float = 20.0, memory: int | None = None) -> str:
    """What is said of a target that is not fit; it is one line."""
    with pytest.raises(SpecificationError) as caught, open_target(text, timeout, memory=memory) as target:
        examine(target, X)
    said = str(caught.value)
    assert "\n" not in said
    assert said.startswith(f"target={text}: expected ")
    return said


def test_a_function_keeps_its_dtype_and_its_values(written: Written) -> None:
    written("def f(x): return 2 * x\nclass space:\n    inner = staticmethod(lambda x: x + 1)")
    with open_target("mine:f") as target:
        for dtype in (np.float64, np.float32):
            x = X.astype(dtype)
            y = examine(target, x)
            assert y.dtype == dtype
            assert np.array_equal(y, 2 * x)
        assert target(np.zeros((7, 2))).shape == (7, 2)
    with open_target("mine:space.inner") as target:
        assert np.array_equal(target(X), X + 1)


@pytest.mark.parametrize(
    ("result", "expected", "dtype"),
    [
        ("np.float16(x)", np.float16(X), np.float32),
        ("np.sign(x).astype(int)", np.sign(X), np.float64),
        ("x > 0", X > 0, np.float64),
        ("x.astype(np.longdouble)", X, np.float64),
        ("x.astype('>f4')", X.astype(np.float32), np.float32),
        ("x[..., ::-1]", X[..., ::-1], np.float64),
    ],
)
def test_what_is_returned_becomes_float32_or_float64(
    written: Written, result: str, expected: np.ndarray, dtype: type
) -> None:
    written(f"def f(x): return {result}")
    with opened("mine:f") as target:
        y = target(X)
    assert y.dtype == dtype
    assert y.dtype.isnative
    assert np.array_equal(y, expected.astype(dtype))


@pytest.mark.parametrize(
    "text",
    [
        "mine",
        "mine:",
        ":f",
        "mine:f(1)",
        "mine:f g",
        "mine f:g",
        "a-b:f",
        "torch:Linear(2)",
        "torch:nn.Linear(2",
        "x:" * 600,
    ]
    + [f"torch:torch.nn.LayerNorm({argument})" for argument in ("x", "len('a')", "*[8]", "**{'a': 1}", "f'{1}'")],
)
def test_other_spellings_are_refused_before_anything_is_imported(text: str) -> None:
    with pytest.raises(SpecificationError, match="target="):
        parse_target(text)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("torch:torch.nn.GroupNorm(", "a closing parenthesis is missing"),
        ("torch:torch.nn.GroupNorm((2, 3)", "a closing parenthesis is missing"),
        ("./evil.py:raises", "a module is named without folders and .py: evil:raises"),
        ("mine.py:f", "a module is named without folders and .py: mine:f"),
        ("some/folder/mine:f", "a module is named without folders and .py: mine:f, from within some/folder"),
    ],
)
def test_a_spelling_that_is_nearly_right_is_mended(text: str, said: str) -> None:
    with pytest.raises(SpecificationError) as caught:
        parse_target(text)
    assert str(caught.value).endswith(said)


def test_literals_are_arguments() -> None:
    found = parse_target("torch:a.b.Norm(8, (1, -2), 'x)', eps=1e-3, flags={'k': [None, True]})")
    assert found.path == "a.b.Norm"
    assert [keyword for keyword, _ in found.arguments or ()] == [None, None, None, "eps", "flags"]
    function = parse_target("torch:nn.functional.relu")
    assert (function.module, function.path, function.arguments) == ("torch", "nn.functional.relu", None)


@pytest.mark.parametrize(
    ("source", "text", "said"),
    [
        ("", "missing_module:f", "there is no module missing_module"),
        ("", "mine.sub:f", "there is no module mine.sub"),
        ("", "mine:g", "mine has no g"),
        ("class f: pass", "mine:f.inside", "mine.f has no inside"),
        (
            "import missing_module",
            "mine:f",
            "mine raises ModuleNotFoundError: No module named 'missing_module'",
        ),
        ("1 / 0", "mine:f", "importing mine raises ZeroDivisionError"),
        ("def f(:", "mine:f", "importing mine raises SyntaxError"),
        ("raise SystemExit(3)", "mine:f", "importing mine raises SystemExit: 3"),
        ("import os\nos._exit(5)", "mine:f", "while it is imported it ends its process with status 5"),
        ("f = 3", "mine:f", "something callable; it is of type int"),
    ],
)
def test_what_cannot_be_imported(written: Written, source: str, text: str, said: str) -> None:
    written(source)
    assert said in fault(text)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("raise ValueError('no\\nsuch')", "on a NumPy array it raises ValueError: no"),
        ("return x @ np.ones((3, 3))", "raises ValueError: matmul"),
        ("return f()", "raises TypeError: f() missing 1 required positional argument"),
        ("raise KeyboardInterrupt", "raises KeyboardInterrupt"),
        ("import sys; sys.exit('bye')", "raises SystemExit: bye"),
        ("return f(x)", "raises RecursionError"),
        ("return None", "returns None"),
        ("return x.tolist()", "returns a list"),
        ("return 'text'", "returns a str"),
        ("return x.astype(str)", "an array of dtype <U"),
        ("return x.astype(object)", "an array of dtype object"),
        ("return x + 0j", "complex"),
        ("return x[:1]", "it takes (2, 3, 4, 5) to (1, 3, 4, 5)"),
        ("return x.sum()", "it takes (2, 3, 4, 5) to ()"),
        ("return np.where(x == x[1, 1, 1, 1], np.nan, x)", "it returns NaN"),
        ("return np.where(x == x[1, 1, 1, 1], -np.inf, x)", "it returns infinity"),
        ("x *= 2; return x", "it modifies the array in place"),
    ],
)
def test_what_a_call_may_return_or_raise(written: Written, body: str, said: str) -> None:
    written(f"def f(x):\n    {body}")
    with pytest.raises(SpecificationError) as caught, opened("mine:f") as target:
        examine(target, X)
    assert str(caught.value).startswith("target=mine:f: expected ")
    assert "\n" not in str(caught.value)
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("raise ValueError('no\\nsuch')", "on a NumPy array it raises ValueError: no"),
        ("return input()", "raises EOFError: EOF when reading a line (nothing stands on its standard input)"),
        ("return x.tolist()", "returns a list"),
        ("x *= 2; return x", "it modifies the array in place"),
        ("return x + np.random.default_rng().normal()", "it is random"),
        ("return x + np.random.normal()", "it is random"),
        ("import random; return x * random.random()", "it is random"),
        ("f.n = getattr(f, 'n', 0) + 1; return x + f.n", "it keeps state: two calls on one array differ"),
        (
            "m = getattr(f, 'm', x); f.m = x; return x if (m == x).all() else m",
            "it keeps state: f(a) is another one",
        ),
        ("f.seen = max(getattr(f, 'seen', 0), x.max()); return x / f.seen", "it keeps state: f(a) is"),
        ("import os; os._exit(0)", "it ends its process with status 0"),
        ("import os; os.kill(os.getpid(), 11)", "it ends its process by SIGSEGV"),
        ("import os; os.kill(os.getpid(), 9)", "it ends its process by SIGKILL, as the system does"),
        ("import os; os.closerange(0, 64)", "it ends its process"),
    ],
)
def test_what_a_call_may_do_wrong(written: Written, body: str, said: str) -> None:
    written(f"def f(x):\n    {body}")
    assert said in fault()


@pytest.mark.parametrize("body", ["while True: pass", "import time; time.sleep(1000)"])
def test_what_never_returns(written: Written, body: str) -> None:
    written(f"def f(x):\n    {body}")
    start = time.monotonic()
    assert "an answer within 0.5 s; on shape (2, 3, 4, 5) it did not return in time" in fault(timeout=0.5)
    assert time.monotonic() - start < 10
    written(body)
    said = fault(timeout=0.5)
    assert said.endswith("while it is imported it did not return in time; give it more with --timeout")


def test_what_eats_memory(written: Written) -> None:
    written("def f(x):\n    kept = []\n    while True: kept.append(np.ones(2**22))")
    assert "raises" in (said := fault(memory=2**29))
    assert "MemoryError" in said
    written("def f(x): return np.ones(2**60)")
    assert "MemoryError" in fault() or "ValueError" in fault()
    written("def f(x): return np.broadcast_to(1.0, (2**30, 2))")
    assert "of shape (1073741824, 2)" in fault()


def test_what_is_printed_does_not_reach_the_conversation(written: Written, capfd: pytest.CaptureFixture[str]) -> None:
    written(
        "import os, sys\nprint('imported')\n"
        "def f(x):\n    print('{}' * 50_000); sys.stdout.buffer.write(b'\\x00' * 10); os.write(1, b'raw\\n')\n"
        "    os.system('echo from a shell')\n    return x"
    )
    with open_target("mine:f") as target:
        assert np.array_equal(examine(target, X), X)
    shown = capfd.readouterr()
    assert shown.out == ""
    for words in ("imported", "{}" * 50_000, "raw", "from a shell"):
        assert words in shown.err


@posix
def test_a_copy_of_the_process_that_returns_too_is_no_second_answer(written: Written) -> None:
    written("import os\ndef f(x):\n    os.fork()\n    return x + 1")
    with open_target("mine:f") as target:
        for _ in range(3):
            assert np.array_equal(target(X), X + 1)


def _alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def _ends(pid: int) -> bool:
    deadline = time.monotonic() + 10
    while _alive(pid) and time.monotonic() < deadline:
        time.sleep(0.02)
    return not _alive(pid)


STARTER = (
    "import os, subprocess, sys\n"
    "def f(x):\n"
    "    own = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(100)'], start_new_session=True)\n"
    "    open('pids', 'w').write(f'{os.getpid()} {own.pid}')\n"
)


@posix
@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="processes are listed in /proc")
@pytest.mark.parametrize(("end", "timeout"), [("    return x", 20.0), ("    while True: pass", 1.0)])
def test_what_it_started_ends_with_it(written: Written, end: str, timeout: float) -> None:
    written(STARTER + end)
    try:
        with open_target("mine:f", timeout) as target:
            target(X)
    except SpecificationError:
        assert timeout == 1.0
    pids = [int(pid) for pid in Path("pids").read_text().split()]
    assert len(pids) == 2
    assert all(_ends(pid) for pid in pids)


@posix
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="pipes that signal their end are those of Linux")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_it_ends_with_us(written: Written, number: signal.Signals, tmp_path: Path) -> None:
    written("import os\ndef f(x):\n    open('pid', 'w').write(str(os.getpid()))\n    while True: pass")
    script = (
        "import numpy as np\nfrom equinorm.targets import open_target\n"
        "with open_target('mine:f') as target: target(np.ones(3))"
    )
    place = tmp_path / "pid"
    with started_python("-c", script, cwd=tmp_path) as child:
        pid = int(eventually(lambda: place.exists() and place.read_text()))
        assert _alive(pid)
        child.send_signal(number)
        child.wait(20)
    assert _ends(pid)


@posix
def test_closed_streams_of_ours_are_not_mixed_up_with_those_of_the_process(written: Written, tmp_path: Path) -> None:
    """Where our standard streams are closed, new descriptors get their numbers."""
    written("def f(x): return 2 * x")
    script = (
        "import numpy as np\nfrom equinorm.targets import open_target\n"
        "with open_target('mine:f') as target: open('answer', 'w').write(str(target(np.ones(3)).tolist()))"
    )
    command = ["sh", "-c", 'exec "$0" -c "$1" <&- >&-', sys.executable, script]
    subprocess.run(command, env=environment(), cwd=tmp_path, timeout=60, check=True)
    assert (tmp_path / "answer").read_text() == "[2.0, 2.0, 2.0]"


def test_after_its_end_a_target_says_so(written: Written) -> None:
    written("import os\ndef f(x):\n    os._exit(1)")
    with open_target("mine:f") as target:
        for said in ("with status 1", "has ended before"):
            with pytest.raises(SpecificationError, match=said):
                target(X)
        target.start()
        assert target.pid is not None


def test_only_what_is_named_is_imported(written: Written, tmp_path: Path) -> None:
    written("import json, sys\ndef f(x):\n    open('loaded', 'w').write(json.dumps(sorted(sys.modules)))\n    return x")
    for stranger in ("torch", "equinorm", "spelling", "process"):
        (tmp_path / f"{stranger}.py").write_text("raise SystemExit('a stranger was imported')")
    with open_target("mine:f") as target:
        target(X)
    loaded = json.loads((tmp_path / "loaded").read_text())
    assert not {name.partition(".")[0] for name in loaded} & {"torch", "equinorm", "numerics", "theory", "hypothesis"}


def test_bad_timeouts_and_arrays(written: Written) -> None:
    written("def f(x): return x")
    for timeout in (0.0, -1.0, float("nan"), float("inf")):
        with pytest.raises(SpecificationError, match="timeout="), open_target("mine:f", timeout):
            pass
    with open_target("mine:f") as target, pytest.raises(SpecificationError, match="dtype=int64"):
        target(np.ones(3, dtype=np.int64))


def test_any_function_can_be_examined() -> None:
    assert np.array_equal(examine(lambda x: 2 * x, X), 2 * X)
    counter = iter(range(10))
    for function, said in [
        (lambda x: x + next(counter), "random or keeps state"),
        (lambda x: x.sum(axis=0), "it takes"),
        (lambda x: None, "a NoneType"),
    ]:
        with pytest.raises(SpecificationError, match=said):
            examine(function, X)
