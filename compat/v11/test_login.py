"""The login of 2011: a GET of the version's root with the name and the key in headers."""

import urllib.parse

from cloud import CloudTest


class Login(CloudTest):
    def test_answers_with_headers_alone(self):
        user = self.cloud.user(0)
        answer = self.expect(user.log_in(), 204)
        self.assertEqual(b"", answer.bytes)
        self.assertGreater(len(answer.headers["x-auth-token"]), 20)
        self.assertEqual(f"{self.cloud.root}/v1.1/{user.tenant}", answer.headers["x-server-management-url"])
        # Other services of the day, which are not there: their headers are, because clients insist.
        for name in ("x-storage-url", "x-cdn-management-url"):
            self.assertEqual("", answer.headers[name])

    def test_tokens_differ_and_each_works(self):
        user = self.cloud.user(0)
        tokens = {user.log_in().headers["x-auth-token"] for _ in range(3)}
        self.assertEqual(3, len(tokens))
        for token in tokens:
            self.expect(self.cloud.send("GET", f"{user.management}/servers", [("X-Auth-Token", token)]), 200)

    def test_project_may_be_named_by_id_or_left_out(self):
        user = self.cloud.user(0)
        self.expect(user.log_in(**{"X-Auth-Project-Id": user.tenant}), 204)
        self.expect(user.log_in(**{"X-Auth-Project-Id": None}), 204)

    def test_wrong_logins_are_unauthorized(self):
        user = self.cloud.user(0)
        for changes in ({"X-Auth-Key": "wrong"}, {"X-Auth-Key": None}, {"X-Auth-User": "nobody"}, {"X-Auth-Project-Id": "other"}, {"X-Auth-Key": ""}):
            with self.subTest(changes):
                answer = user.log_in(**changes)
                self.fault(answer, 401, "unauthorized")
                self.assertNotIn("x-auth-token", answer.headers)

    def test_no_token_and_wrong_tokens_are_unauthorized(self):
        user = self.cloud.user(0)
        for headers in ([], [("X-Auth-Token", "wrong")], [("X-Auth-Token", "")]):
            with self.subTest(headers):
                answer = self.cloud.send("GET", f"{user.management}/servers", headers)
                self.fault(answer, 401, "unauthorized")
                self.assertIn("www-authenticate", answer.headers)
                self.xml_fault(self.cloud.send("GET", f"{user.management}/servers", [*headers, ("Accept", "application/xml")]), 401, "unauthorized")

    def test_management_url_of_v2_has_its_version(self):
        answer = self.expect(self.cloud.user(0).log_in("/v2/"), 204)
        self.assertTrue(urllib.parse.urlsplit(answer.headers["x-server-management-url"]).path.startswith("/v2/"))
