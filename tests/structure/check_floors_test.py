#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""check_floors.py finds each kind of violation."""
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

    def repeated(self, one, other):
        with tempfile.TemporaryDirectory() as directory:
            folder = pathlib.Path(directory) / "lib/watch"
            folder.mkdir(parents=True)
            for name, text in (("a.cpp", one), ("b.cpp", other)):
                (folder / name).write_text(f"namespace kiln::watch {{\nnamespace {{\n\n{text}\n}} // namespace\n}}\n")
            return list(check_floors.repeated_names(pathlib.Path(directory)))

    def test_hidden_names_of_two_files(self):
        for text in ("int last(const char* what, int x) {\n  return x;\n}\n", "constexpr int most = 5;\n", "constexpr std::array names{1, 2};\n",
                     "struct piece {\n  int size;\n};\n", "std::string_view trim(std::string_view text) noexcept {\n  return text;\n}\n"):
            self.assertEqual(len(self.repeated(text, text)), 1, text)

    def test_an_alias_has_one_meaning_in_a_folder(self):
        one, other = "using list = std::vector<int>;\n", "using list = std::vector<long>;\n"
        self.assertEqual(len(self.repeated(one, other)), 1)
        self.assertEqual(self.repeated(one, one), [])

    def test_overloads_and_uses_are_no_repetition(self):
        self.assertEqual(self.repeated("int size(int x) {\n  return x;\n}\n", "int size(long x) {\n  return last(x);\n}\n"), [])
        self.assertEqual(self.repeated("void a() {\n  const int most = 5;\n}\n", "void b() {\n  const int most = 5;\n}\n"), [])

    def test_a_kind_of_failure_needs_words(self):
        with tempfile.TemporaryDirectory() as made:
            root = pathlib.Path(made)
            (root / "lib/domain").mkdir(parents=True)
            (root / "docs").mkdir()
            (root / "lib/domain/failure.cpp").write_text('    row{lost, "lost", remedy::give_up},\n')
            (root / "docs/api.md").write_text("`lost`")
            (root / "docs/troubleshooting.md").write_text("lost")
            self.assertEqual(list(check_floors.kinds_without_words(root)), ["docs/troubleshooting.md: says nothing of the kind of failure lost"])
            (root / "lib/domain/failure.cpp").write_text("")
            self.assertEqual(list(check_floors.kinds_without_words(root)), ["lib/domain/failure.cpp: no table of kinds found"])


if __name__ == "__main__":
    unittest.main()
