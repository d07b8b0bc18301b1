"""Limits of calls per time, as Nova shipped them: against a cloud that holds them."""

import os

from cloud import COMPUTE, Cloud, CloudTest


class Rates(CloudTest):
    cloud = Cloud(os.environ["V11_LIMITED_CLOUD"])

    def test_limits_are_shown(self):
        rates = self.expect(self.cloud.user(0).send("GET", "/limits"), 200).json["limits"]["rate"]
        shown = {(limit["verb"], rate["uri"]): (limit["value"], limit["unit"]) for rate in rates for limit in rate["limit"]}
        self.assertEqual(
            {("POST", "*"): (10, "MINUTE"), ("POST", "*/servers"): (50, "DAY"), ("PUT", "*"): (10, "MINUTE"), ("GET", "*changes-since*"): (3, "MINUTE"), ("DELETE", "*"): (100, "MINUTE")}, shown)
        document = self.cloud.user(0).xml("GET", "/limits").xml
        self.assertEqual(5, len(document.findall(f"{COMPUTE}rates/{COMPUTE}rate/{COMPUTE}limit")))

    def test_over_the_limit(self):
        user = self.cloud.user(1)
        for _ in range(3):
            self.expect(user.send("GET", "/servers?changes-since=2011-01-01T00:00:00Z"), 200)
        answer = user.send("GET", "/servers?changes-since=2011-01-01T00:00:00Z")
        fault = self.fault(answer, 413, "overLimit")
        wait = int(answer.headers["retry-after"])
        self.assertTrue(0 < wait <= 60, answer)
        self.assertEqual(str(wait), str(fault.get("retryAfter", wait)))
        root = self.xml_fault(user.xml("GET", "/servers?changes-since=2011-01-01T00:00:00Z"), 413, "overLimit")
        self.assertIsNotNone(root.find(COMPUTE + "retryAfter"))
        # Other calls and other users have limits of their own.
        self.expect(user.send("GET", "/servers"), 200)
        self.expect(self.cloud.user(2).send("GET", "/servers?changes-since=2011-01-01T00:00:00Z"), 200)

    def test_every_verb_counts_for_itself(self):
        user = self.cloud.user(3)
        for _ in range(10):
            self.expect(user.send("PUT", "/servers/none", {"server": {"name": "x"}}), 404)
        self.fault(user.send("PUT", "/servers/none", {"server": {"name": "x"}}), 413, "overLimit")
        self.expect(user.send("POST", "/servers/none/metadata", {"metadata": {}}), 404)

    def test_remaining_goes_down(self):
        user = self.cloud.user(4)

        def remaining():
            rates = user.send("GET", "/limits").json["limits"]["rate"]
            return [limit["remaining"] for rate in rates for limit in rate["limit"] if (limit["verb"], rate["uri"]) == ("DELETE", "*")][0]

        self.assertEqual(100, remaining())
        self.expect(user.send("DELETE", "/servers/none"), 404)
        self.assertEqual(99, remaining())
