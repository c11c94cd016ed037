#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""check_floors.py finds what it is there for."""
import pathlib
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import check_floors


class check_floors_test(unittest.TestCase):
    def found(self, files):
        with tempfile.TemporaryDirectory() as directory:
            root = pathlib.Path(directory)
            for name, text in files.items():
                (root / name).parent.mkdir(parents=True, exist_ok=True)
                (root / name).write_text(text)
            return list(check_floors.problems(root))

    def test_down_and_own_folder_are_fine(self):
        self.assertEqual(self.found({
            "lib/base/error.hpp": "#include <string>\n",
            "lib/policy/a.hpp": '#include "base/error.hpp"\n',
            "lib/policy/a.cpp": '#include "policy/a.hpp"\n'}), [])

    def test_upward(self):
        self.assertIn("floor 2", self.found({"lib/base/a.hpp": '#include "policy/b.hpp"\n', "lib/policy/b.hpp": ""})[0])

    def test_sideways(self):
        self.assertIn("floor 4", self.found({"lib/watch/a.hpp": '#include "process/b.hpp"\n', "lib/process/b.hpp": ""})[0])

    def test_unknown_folder_and_missing_file(self):
        self.assertEqual(len(self.found({"lib/helpers/a.hpp": "", "lib/policy/b.hpp": '#include "base/gone.hpp"\n'})), 2)

    def test_io_in_a_pure_folder(self):
        self.assertEqual(len(self.found({"lib/policy/a.cpp": "#include <boost/asio/post.hpp>\nauto t = clock::now();\n"})), 2)

    def test_words(self):
        self.assertEqual(len(self.found({"lib/executor/a.cpp": '#include <boost/process/v2.hpp>\nint x = system("ls");\nstd::mutex m;\n'})), 3)

    def test_comments_do_not_count(self):
        self.assertEqual(self.found({"lib/executor/a.cpp": "// never call system( here\n"}), [])


if __name__ == "__main__":
    unittest.main()
