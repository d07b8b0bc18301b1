"""Reads a subunit stream and prints the outcome of every wanted test, one a line: passed, failed (with the last line of why), skipped or missing.

usage: outcomes.py WANTED <STREAM
A class that could not be set up fails all of its wanted tests.
"""
import sys

import subunit
import testtools


def main(wanted_file):
    with open(wanted_file, encoding="utf-8") as lines:
        wanted = [line.strip() for line in lines]
    seen = {}
    classes = {}

    def on_test(test):
        name = test["id"].split("[")[0]
        why = test["details"].get("traceback")
        text = why.as_text().strip().splitlines()[-1] if why and why.as_text().strip() else ""
        if name.startswith(("setUpClass (", "tearDownClass (")):
            classes[name.split("(")[1].rstrip(")")] = (test["status"], text)
        else:
            seen[name] = (test["status"], text)

    result = testtools.StreamToDict(on_test)
    result.startTestRun()
    subunit.ByteStreamToStreamResult(sys.stdin.buffer, non_subunit_name="stdout").run(result)
    result.stopTestRun()

    words = {"success": "passed", "skip": "skipped", "fail": "failed"}
    for name in wanted:
        status, text = seen.get(name) or classes.get(name.rsplit(".", 1)[0]) or ("missing", "")
        print(f"{words.get(status, status)} {name}{' | ' + text if status == 'fail' and text else ''}")


main(sys.argv[1])
