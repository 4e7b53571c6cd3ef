"""The runner sees what is right, and what is wrong."""
import re
import tempfile
import types
import unittest
from pathlib import Path

from runner.machine import Terminal
from runner.reading import Wrong, parse, pattern, whole_lines


def fits(expected, came):
    return re.fullmatch(pattern(expected), whole_lines(came)) is not None


def steps(text):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "01-x.md")
        path.write_text(text)
        return [(step.kind, step.name) for step in parse(path)]


def terminal():
    same = lambda text: text
    return Terminal(types.SimpleNamespace(cwd=Path("/"), env=None, here=same, there=same))


class Comparing(unittest.TestCase):
    def test_an_ellipsis_stands_for_a_part_of_a_line_or_for_lines(self):
        self.assertTrue(fits("a … z\n", "a b c z\r\n"))
        self.assertFalse(fits("a … z\n", "a b\nc z\n"))
        self.assertTrue(fits("…\nz\n", "z"))
        self.assertTrue(fits("a\n…\nz\n", "a\nb\nc\nz\n"))

    def test_what_is_missing_or_too_much_or_no_pattern_is_seen(self):
        self.assertFalse(fits("a\nb\n", "a\n"))
        self.assertFalse(fits("a\n", "a\nb\n"))
        self.assertFalse(fits("a.c\n", "abc\n"))


class Reading(unittest.TestCase):
    def test_each_block_is_what_its_title_says(self):
        text = '```rust title="src/main.rs"\n```\n```console\n$ ls\n```\n```text\n```\n```text title="page ann"\n```\n'
        kinds = [("file", "src/main.rs"), ("console", ""), ("picture", ""), ("see page", "ann")]
        self.assertEqual(steps(text), kinds)
        self.assertEqual(steps("<!-- shown: why -->\n```sh\nrm\n```\n"), [("shown", "")])

    def test_code_that_is_neither_run_nor_explained_is_refused(self):
        for text in ("```rust\n```\n", '```text title="x"\n```\n', "```sh {1}\n```\n", "<!-- what -->\n"):
            with self.assertRaises(Wrong, msg=text):
                steps(text)


class Running(unittest.TestCase):
    def test_output_that_differs_is_wrong(self):
        here = terminal()
        here.run("printf 'one\\ntwo\\n'")
        here.prints("one\ntwo\n")
        here.run("echo one")
        with self.assertRaises(Wrong):
            here.prints("two\n")

    def test_what_was_seen_is_not_seen_again(self):
        here = terminal()
        here.run("echo one; echo two; read line; echo $line; exit")
        here.sees("one\n")
        here.type("three")
        with self.assertRaises(Wrong):
            here.sees("one\n")
        here.sees("two\nthree\n")
