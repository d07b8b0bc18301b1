"""Runs the tests of this folder and prints a line for each that failed, then how many there were. Exit status 0 when all of them held."""

import pathlib
import sys
import unittest


class Tally(unittest.TextTestResult):
    """Counts what a run of unittest leaves to be worked out: those that passed."""

    def __init__(self, *arguments, **options):
        super().__init__(*arguments, **options)
        self.passed = 0

    def addSuccess(self, test):
        super().addSuccess(test)
        self.passed += 1

    def addSubTest(self, test, subtest, err):
        super().addSubTest(test, subtest, err)
        if err is None:
            self.passed += 1


def main():
    here = str(pathlib.Path(__file__).parent)
    sys.path.insert(0, here)
    loader = unittest.TestLoader()
    tests = loader.loadTestsFromNames(sys.argv[1:]) if len(sys.argv) > 1 else loader.discover(here)
    result = unittest.TextTestRunner(stream=sys.stdout, resultclass=Tally, verbosity=1).run(tests)
    failed = len(result.failures) + len(result.errors) + len(result.skipped)
    print(f"{result.passed} passed, {failed} failed")
    return 0 if failed == 0 and result.passed > 0 else 1


if __name__ == "__main__":
    sys.exit(main())
