use super::*;

const BASE: &str = "import unittest
import pytest
from app.calc import clamp, mean


def test_mean():
    assert mean([1, 2, 3]) == pytest.approx(2.0, rel=1e-6)


@pytest.mark.parametrize(\"x,want\", [(5, 5), (-1, 0), (99, 10)])
def test_clamp(x, want):
    assert clamp(x, 0, 10) == want, 'clamped'


def test_raises():
    with pytest.raises(ValueError):
        mean([])


class TestMore(unittest.TestCase):
    def setUp(self):
        self.x = 1

    def test_one(self):
        got = mean([1])
        self.assertEqual(got, 1)
        self.assertTrue(clamp(1, 0, 2))
";

#[test]
fn what_weakens_is_said() {
    check(
        "tests/test_calc.py",
        BASE,
        &[
            (&["guard.tolerance"], &[("rel=1e-6", "rel=1e9")]),
            (&["guard.skipped"], &[("def test_mean", "@pytest.mark.skip\ndef test_mean")]),
            (&["guard.skipped"], &[("    assert mean", "    pytest.skip('later')\n    assert mean")]),
            (
                &["guard.skipped"],
                &[("@pytest.mark.param", "@unittest.skipIf(True, 'x')\n@pytest.mark.param")],
            ),
            (&["guard.expects_failure"], &[("def test_mean", "@pytest.mark.xfail\ndef test_mean")]),
            (&["guard.skipped"], &[("def test_mean", "pytestmark = pytest.mark.skip\n\n\ndef test_mean")]),
            (&["guard.skipped"], &[("        self.x = 1", "        self.skipTest('x')")]),
            (
                &["guard.skipped"],
                &[(
                    "class TestMore(unittest.TestCase):",
                    "class TestMore(unittest.TestCase):\n    __test__ = False",
                )],
            ),
            (&["guard.uncollected"], &[("def test_mean", "def mean_test")]),
            (&["guard.uncollected"], &[("class TestMore(unittest.TestCase)", "class More")]),
            (&["guard.case_removed"], &[("(5, 5), ", "")]),
            (&["guard.case_removed"], &[("(99, 10)", "(99, 99)")]),
            (
                &["guard.swallowed"],
                &[(
                    "    assert clamp(x, 0, 10) == want, 'clamped'",
                    "    try:\n        assert clamp(x, 0, 10) == want\n    except AssertionError:\n        pass",
                )],
            ),
            (
                &["guard.swallowed"],
                &[(
                    "    assert clamp(x, 0, 10) == want, 'clamped'",
                    "    with suppress(Exception):\n        assert clamp(x, 0, 10) == want",
                )],
            ),
            (
                &["guard.conditional"],
                &[("    assert mean", "    if os.environ.get('CI'):\n        return\n    assert mean")],
            ),
            (&["guard.conditional"], &[("    assert clamp(x", "    if False:\n        assert clamp(x")]),
            (
                &["guard.assertion_constant"],
                &[("assert mean([1, 2, 3]) == pytest.approx(2.0, rel=1e-6)", "assert True")],
            ),
            (
                &["guard.assertion_constant"],
                &[(
                    "mean([1, 2, 3]) == pytest.approx(2.0, rel=1e-6)",
                    "mean([1, 2, 3]) == pytest.approx(2.0, rel=1e-6) or True",
                )],
            ),
            (&["guard.assertion_changed"], &[("mean([1, 2, 3]) ==", "mean([1, 2, 3]) !=")]),
            (&["guard.assertion_changed"], &[("        mean([])", "        raise ValueError")]),
            (
                &["guard.emptied"],
                &[("    assert mean([1, 2, 3]) == pytest.approx(2.0, rel=1e-6)", "    pass")],
            ),
            (&["guard.assertion_removed"], &[("        self.assertTrue(clamp(1, 0, 2))\n", "")]),
            (&["guard.hard_coded"], &[("got = mean([1])", "got = 1")]),
            (
                &["guard.mocked"],
                &[("def test_mean", "@mock.patch('app.calc.mean', lambda xs: 2.0)\ndef test_mean")],
            ),
            (
                &["guard.assertion_changed"],
                &[("got = mean([1])", "average = 1"), ("assertEqual(got, 1)", "assertEqual(average, 1)")],
            ),
            (&["guard.hard_coded"], &[("def test_mean", "def mean(xs):\n    return 2.0\n\n\ndef test_mean")]),
            (&["guard.exit"], &[("", "import os\nos._exit(0)\n")]),
            (&["guard.exit"], &[("", "import atexit, os\natexit.register(lambda: os._exit(0))\n")]),
            (
                &["guard.framework"],
                &[("\n\ndef test_mean", "\npytest.approx = lambda *a, **k: 2.0\n\n\ndef test_mean")],
            ),
            (
                &["guard.equality"],
                &[(
                    "class TestMore",
                    "class Any:\n    def __eq__(self, other):\n        return True\n\n\nclass TestMore",
                )],
            ),
            (&["guard.uncollected"], &[("class TestMore", "del test_mean\n\n\nclass TestMore")]),
            (
                &["guard.assertion_constant"],
                &[("class TestMore", "def test_mean():\n    assert True\n\n\nclass TestMore")],
            ),
            (
                &["guard.deleted"],
                &[(
                    "def test_raises():\n    with pytest.raises(ValueError):\n        mean([])\n",
                    "# def test_raises():\n#     with pytest.raises(ValueError):\n#         mean([])\n",
                )],
            ),
        ],
    );
}

#[test]
fn what_does_not_weaken_is_not_spoken_of() {
    check(
        "tests/test_calc.py",
        BASE,
        &[
            (&[], &[("rel=1e-6", "rel=1e-9")]),
            (&[], &[("(99, 10)]", "(99, 10), (10, 10)]")]),
            (&[], &[("def test_mean", "def test_average")]),
            (
                &[],
                &[(
                    "def test_mean",
                    "def test_skip_and_xfail():\n    assert mean([1]) == 1\n\n\ndef test_mean",
                )],
            ),
            (
                &[],
                &[(
                    "def test_mean",
                    "@pytest.mark.skip\ndef test_later():\n    assert mean([1]) == 1\n\n\ndef test_mean",
                )],
            ),
            (
                &[],
                &[(
                    "    assert clamp(x, 0, 10) == want, 'clamped'",
                    "    assert (\n        clamp(x, 0, 10) == want\n    ), \"it is clamped\"",
                )],
            ),
            (&[], &[("[(5, 5), (-1, 0), (99, 10)]", "[\n    (5, 5),\n    (-1, 0),\n    (99, 10),\n]")]),
            (&[], &[("        self.x = 1", "        self.x = 1\n        self.y = 2")]),
            (&[], &[("        got = mean([1])", "        xs = [1]\n        got = mean(xs)")]),
            (&[], &[("import pytest\n", "import os\nimport pytest\n")]),
            (&[], &[("def test_mean", "@mock.patch('app.net.fetch')\ndef test_mean")]),
            (
                &[],
                &[
                    ("got = mean([1])", "average = mean([1])"),
                    ("assertEqual(got, 1)", "assertEqual(average, 1)"),
                ],
            ),
            (&[], &[("def test_raises", "def sample(n):\n    return [n] * 3\n\n\ndef test_raises")]),
            (
                &[],
                &[(
                    "        self.assertEqual(got, 1)",
                    "        self.assertEqual(got, 1)\n        self.assertEqual(mean([2]), 2)",
                )],
            ),
            (
                &[],
                &[(
                    "    assert mean",
                    "    # pytest.skip would be wrong\n    note = 'pytest.skip() and os._exit(0)'\n    assert mean",
                )],
            ),
        ],
    );
}

#[test]
fn programs_must_not_notice_tests() {
    let base = "def mean(xs):\n    return sum(xs) / len(xs)\n";
    check(
        "app/calc.py",
        base,
        &[
            (
                &["guard.detects_tests"],
                &[(
                    "    return",
                    "    import os\n    if os.environ.get(\"PYTEST_CURRENT_TEST\"):\n        return 2.0\n    return",
                )],
            ),
            (
                &["guard.detects_tests"],
                &[("    return", "    if 'pytest' in sys.modules:\n        return 2.0\n    return")],
            ),
            (
                &["guard.equality"],
                &[(
                    "def mean",
                    "class R(float):\n    def __eq__(self, o):\n        return True\n\n\ndef mean",
                )],
            ),
            (&[], &[("    return", "    # PYTEST_CURRENT_TEST\n    return")]),
            (&[], &[("    return", "    if not xs:\n        sys.exit(1)\n    return")]),
            (&[], &[("def mean", "def test_mean_is_no_test():\n    pass\n\n\ndef mean")]),
        ],
    );
}

#[test]
fn what_a_conftest_does_is_said() {
    let base = "import pytest\n\n\n@pytest.fixture\ndef x():\n    return 1\n";
    check(
        "conftest.py",
        base,
        &[
            (
                &["guard.hook"],
                &[(
                    "@pytest.fixture",
                    "def pytest_collection_modifyitems(items):\n    items.clear()\n\n\n@pytest.fixture",
                )],
            ),
            (
                &["guard.skipped"],
                &[("@pytest.fixture", "collect_ignore = [\"test_a.py\"]\n\n\n@pytest.fixture")],
            ),
            (&[], &[("    return 1", "    return 2")]),
            (&[], &[("@pytest.fixture", "@pytest.fixture\ndef y():\n    return 2\n\n\n@pytest.fixture")]),
        ],
    );
}
