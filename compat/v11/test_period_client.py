"""What the client of 2011 and the test suites of its time send."""

import urllib.parse

from cloud import CloudTest, ServerTest


class PeriodClient(ServerTest):
    def period(self, method, path, body=None):
        """As python-novaclient 2.6.5 did: the project's id with every request, and fresh with every GET."""
        if method == "GET":
            path += ("&" if "?" in path else "?") + "fresh=1322078400.42"
        return self.user.send(method, path, body, [("X-Auth-Project-Id", self.user.account["project"]), ("User-Agent", "python-novaclient"), ("Accept", "application/json")])

    def test_fresh_is_ignored_everywhere(self):
        for path in ("/servers", "/servers/detail", f"/servers/{self.server}", "/flavors", "/flavors/detail", "/flavors/1", "/images", "/images/detail", f"/images/{self.cloud.image}", "/limits"):
            with self.subTest(path):
                self.expect(self.period("GET", path), 200)
        self.assertIn(self.server, [s["id"] for s in self.period("GET", "/servers/detail").json["servers"]])

    def test_doubled_slashes(self):
        for path in ("//servers/detail", f"//servers//{self.server}", f"//servers/{self.server}//metadata", "//flavors/1"):
            with self.subTest(path):
                self.expect(self.period("GET", path), 200)
        self.expect(self.cloud.send("GET", f"//v1.1//{self.user.tenant}//servers", [("X-Auth-Token", self.user.token)]), 200)

    def test_whole_server_in_the_create_answer_and_explicit_nulls(self):
        nulls = dict.fromkeys(("metadata", "personality", "security_groups", "networks", "user_data", "key_name", "availability_zone", "adminPass", "min_count", "max_count", "accessIPv4", "accessIPv6", "config_drive",
                               "block_device_mapping", "return_reservation_id", "OS-DCF:diskConfig"))
        answer = self.expect(self.period("POST", "/servers", {"server": {"name": "nulls", "imageRef": self.cloud.image, "flavorRef": "1"} | nulls}), 202)
        server = answer.json["server"]
        self.addCleanup(self.user.delete, server["id"])
        for key in ("id", "uuid", "name", "status", "tenant_id", "user_id", "hostId", "created", "updated", "progress", "metadata", "addresses", "accessIPv4", "accessIPv6", "image", "flavor", "links", "adminPass"):
            self.assertIn(key, server)
        self.assertEqual(("1", self.cloud.image, {}), (server["flavor"]["id"], server["image"]["id"], server["metadata"]))
        self.user.wait(server["id"], "ACTIVE")

    def test_numbers_of_v1_0(self):
        answer = self.expect(self.period("POST", "/servers", {"server": {"name": "v1.0", "imageId": self.cloud.image, "flavorId": 1, "min_count": 1, "max_count": 1}}), 202)
        identity = answer.json["server"]["id"]
        self.addCleanup(self.user.delete, identity)
        self.user.wait(identity, "ACTIVE")
        self.expect(self.period("POST", f"/servers/{identity}/action", {"resize": {"flavorId": 2}}), 202)
        self.assertEqual("2", self.user.wait(identity, "VERIFY_RESIZE")["flavor"]["id"])
        self.assertEqual(b"", self.expect(self.period("POST", f"/servers/{identity}/action", {"confirmResize": None}), 204).bytes)
        self.assertEqual("2", self.user.wait(identity, "ACTIVE")["flavor"]["id"])

    def test_flavor_id_as_text_and_revert(self):
        self.expect(self.period("POST", f"/servers/{self.server}/action", {"resize": {"flavorId": "2"}}), 202)
        # The status is there before the answer is: a client that polls at once must not take the server for done.
        self.assertIn(self.user.send("GET", f"/servers/{self.server}").json["server"]["status"], ("RESIZE", "VERIFY_RESIZE"))
        self.user.wait(self.server, "VERIFY_RESIZE")
        self.expect(self.period("POST", f"/servers/{self.server}/action", {"revertResize": None}), 202)
        self.assertEqual("1", self.user.wait(self.server, "ACTIVE")["flavor"]["id"])

    def test_migrate_is_a_route_of_its_own(self):
        at = f"/servers/{self.server}"
        self.fault(self.period("POST", at + "/migrate"), 403, "resizeNotAllowed")
        admin = self.cloud.user(-1)
        before = admin.send("GET", at).json["server"]["OS-EXT-SRV-ATTR:host"]
        self.expect(admin.send("POST", at + "/migrate"), 202)
        self.user.wait(self.server, "VERIFY_RESIZE")
        self.assertNotEqual(before, admin.send("GET", at).json["server"]["OS-EXT-SRV-ATTR:host"])
        self.expect(self.period("POST", at + "/action", {"confirmResize": None}), 204)
        self.user.wait(self.server, "ACTIVE")

    def test_reboot_and_rename(self):
        self.expect(self.period("POST", f"/servers/{self.server}/action", {"reboot": {"type": "SOFT"}}), 202)
        self.user.wait(self.server, "ACTIVE")
        self.expect(self.period("PUT", f"/servers/{self.server}", {"server": {"name": "PeriodClient"}}), 200)

    def test_lookups(self):
        # By number and by name the client asks for what is not there first, and expects to be told so.
        for path in ("/servers/1", "/servers/compat", "/flavors/m1.tiny", "/flavors/99", "/images/debian"):
            with self.subTest(path):
                self.fault(self.period("GET", path), 404, "itemNotFound")
        self.assertEqual("m1.tiny", self.period("GET", "/flavors/1").json["flavor"]["name"])


class ManagementUrl(CloudTest):
    def test_the_header_is_the_base_of_every_call(self):
        answer = self.cloud.user(0).log_in()
        base = urllib.parse.urlsplit(answer.headers["x-server-management-url"])
        self.assertEqual(self.cloud.address, base.netloc)
        self.expect(self.cloud.send("GET", base.path + "//servers?fresh=1.5", [("X-Auth-Token", answer.headers["x-auth-token"])]), 200)
