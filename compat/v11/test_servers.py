"""Servers in JSON: the keys, links and rules of v1.1."""

import re

from cloud import CloudTest, ServerTest

UUID = r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"


class Servers(ServerTest):
    def test_show(self):
        server = self.expect(self.user.send("GET", f"/servers/{self.server}"), 200).json["server"]
        self.assertEqual(self.server, server["id"])
        self.assertRegex(server["uuid"], f"^{UUID}$")
        self.assertEqual(("ACTIVE", 100, self.user.tenant, {"purpose": "compat"}), (server["status"], server["progress"], server["tenant_id"], server["metadata"]))
        self.assertRegex(server["hostId"], "^[0-9a-f]{56}$")
        for moment in ("created", "updated"):
            self.assertRegex(server[moment], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$")
        base = self.cloud.root
        self.assertEqual(
            [{"rel": "self", "href": f"{base}/v1.1/{self.user.tenant}/servers/{self.server}"}, {"rel": "bookmark", "href": f"{base}/{self.user.tenant}/servers/{self.server}"}], server["links"])
        self.assertEqual({"id": self.cloud.image, "links": [{"rel": "bookmark", "href": f"{base}/{self.user.tenant}/images/{self.cloud.image}"}]}, server["image"])
        self.assertEqual({"id": "1", "links": [{"rel": "bookmark", "href": f"{base}/{self.user.tenant}/flavors/1"}]}, server["flavor"])
        for key in ("user_id", "key_name", "config_drive", "accessIPv4", "accessIPv6", "addresses", "OS-EXT-STS:vm_state", "OS-EXT-STS:task_state", "OS-EXT-STS:power_state", "OS-DCF:diskConfig"):
            self.assertIn(key, server)
        self.assertNotIn("adminPass", server)
        self.assertNotIn("OS-EXT-SRV-ATTR:host", server)

    def test_administrators_see_the_host(self):
        server = self.expect(self.cloud.user(-1).send("GET", f"/servers/{self.server}"), 200).json["server"]
        self.assertIn(server["OS-EXT-SRV-ATTR:host"], ("host1", "host2"))
        for key in ("OS-EXT-SRV-ATTR:hypervisor_hostname", "OS-EXT-SRV-ATTR:instance_name"):
            self.assertTrue(server[key])

    def test_short_list_is_short(self):
        listed = [s for s in self.expect(self.user.send("GET", "/servers"), 200).json["servers"] if s["id"] == self.server]
        self.assertEqual([{"id", "uuid", "name", "links"}], [set(s) for s in listed])

    def test_filters(self):
        def names(query):
            return [s["id"] for s in self.expect(self.user.send("GET", f"/servers/detail?{query}"), 200).json["servers"]]

        for query in ("name=Servers", "name=^Serv.*s$", "status=ACTIVE", "status=active", "flavor=1", f"image={self.cloud.image}", f"image={self.cloud.root}/v1.1/x/images/{self.cloud.image}", "changes-since=2011-01-01T00:00:00Z", "unknown=x"):
            with self.subTest(query):
                self.assertIn(self.server, names(query))
        for query in ("name=Nothing", "status=SHUTOFF", "flavor=5", "image=none", "changes-since=2100-01-01T00:00:00Z"):
            with self.subTest(query):
                self.assertEqual([], names(query))

    def test_wrong_filters_and_pages(self):
        for query, says in (("limit=-1", "limit"), ("limit=x", "limit"), ("marker=none", "marker"), ("changes-since=yesterday", "changes-since"), ("name=(", "name")):
            with self.subTest(query):
                self.fault(self.user.send("GET", f"/servers?{query}"), 400, "badRequest", says)

    def test_update(self):
        changed = self.expect(self.user.send("PUT", f"/servers/{self.server}", {"server": {"accessIPv4": "192.0.2.7", "accessIPv6": "::babe:220.12.22.2"}}), 200).json["server"]
        # As written: only today's surface makes it canonical.
        self.assertEqual(("192.0.2.7", "::babe:220.12.22.2"), (changed["accessIPv4"], changed["accessIPv6"]))
        self.expect(self.user.send("PUT", f"/servers/{self.server}", {"server": {"name": "renamed"}}), 200)
        self.assertEqual("renamed", self.user.send("GET", f"/servers/{self.server}").json["server"]["name"])
        self.expect(self.user.send("PUT", f"/servers/{self.server}", {"server": {"name": "Servers"}}), 200)
        for wrong, field in (({"name": ""}, "name"), ({"name": 5}, "name"), ({"accessIPv4": "1.2.3"}, "accessIPv4"), ({"accessIPv6": "10.0.0.1"}, "accessIPv6")):
            with self.subTest(field):
                self.fault(self.user.send("PUT", f"/servers/{self.server}", {"server": wrong}), 400, "badRequest", field)

    def test_addresses(self):
        addresses = self.expect(self.user.send("GET", f"/servers/{self.server}/ips"), 200).json["addresses"]
        for network, members in addresses.items():
            self.assertEqual({network: members}, self.expect(self.user.send("GET", f"/servers/{self.server}/ips/{network}"), 200).json)
            for address in members:
                self.assertEqual({"version", "addr"}, set(address))
        self.fault(self.user.send("GET", f"/servers/{self.server}/ips/none"), 404, "itemNotFound")

    def test_metadata(self):
        at = f"/servers/{self.server}/metadata"
        self.assertEqual({"metadata": {"a": "1", "purpose": "compat"}}, self.expect(self.user.send("POST", at, {"metadata": {"a": "1"}}), 200).json)
        self.assertEqual({"meta": {"a": "2"}}, self.expect(self.user.send("PUT", f"{at}/a", {"meta": {"a": "2"}}), 200).json)
        self.assertEqual({"meta": {"a": "2"}}, self.expect(self.user.send("GET", f"{at}/a"), 200).json)
        self.fault(self.user.send("PUT", f"{at}/a", {"meta": {"b": "2"}}), 400, "badRequest")
        self.assertEqual(b"", self.expect(self.user.send("DELETE", f"{at}/a"), 204).bytes)
        self.fault(self.user.send("GET", f"{at}/a"), 404, "itemNotFound")
        self.fault(self.user.send("DELETE", f"{at}/a"), 404, "itemNotFound")
        # What is too long is over a limit, as are too many.
        for wrong in ({"metadata": {"k" * 256: "v"}}, {"metadata": {"k": "v" * 256}}):
            self.fault(self.user.send("POST", at, wrong), 413, "overLimit", "etadata")
        for wrong in ({"metadata": {"": "v"}}, {"metadata": {"k": {}}}, {"metadata": []}, {"meta": {}}):
            with self.subTest(str(wrong)[:40]):
                self.fault(self.user.send("POST", at, wrong), 400, "badRequest", "meta")
        self.assertEqual({"metadata": {"purpose": "compat"}}, self.expect(self.user.send("PUT", at, {"metadata": {"purpose": "compat"}}), 200).json)
        self.fault(self.user.send("POST", at, {"metadata": {str(i): "v" for i in range(200)}}), 413, "overLimit")

    def test_actions_that_are_wrong(self):
        at = f"/servers/{self.server}/action"
        for body, says in (({}, ""), ({"a": None, "b": None}, ""), ({"unheardOf": None}, "unheardOf"), ({"reboot": {}}, "type"), ({"reboot": {"type": "x"}}, "type"), ({"reboot": {"type": 1}}, "type")):
            with self.subTest(str(body)):
                self.fault(self.user.send("POST", at, body), 400, "badRequest", says)
        for body, says in (
                ({"resize": {}}, "Resize requests require 'flavorRef' attribute."), ({"resize": {"flavorRef": ""}}, "Resize request has invalid 'flavorRef' attribute."),
                ({"resize": {"flavorRef": "99"}}, "Unable to locate requested flavor."), ({"resize": {"flavorRef": "1"}}, "Resize requires a change in size.")):
            with self.subTest(says):
                self.fault(self.user.send("POST", at, body), 400, "badRequest", says)
        for body in ({"confirmResize": None}, {"revertResize": None}):
            self.fault(self.user.send("POST", at, body), 400, "badRequest")

    def test_what_is_done_is_recorded(self):
        actions = self.expect(self.user.send("GET", f"/servers/{self.server}/os-instance-actions"), 200).json["instanceActions"]
        self.assertIn("create", [a["action"] for a in actions])


class Creation(CloudTest):
    def setUp(self):
        self.user = self.cloud.user(1)

    def refused(self, server, says, status=400, fault="badRequest"):
        """The server without what is given as ..., which is what has to be wrong with it."""
        body = {"name": "refused", "imageRef": self.cloud.image, "flavorRef": "1"} | server
        return self.fault(self.user.send("POST", "/servers", {"server": {k: v for k, v in body.items() if v is not ...}}), status, fault, says)

    def test_bodies_that_are_wrong(self):
        for says, server in (
                ("name", {"name": ...}), ("name", {"name": ""}), ("name", {"name": "x" * 256}), ("name", {"name": "a\u0001"}), ("name", {"name": {}}), ("flavorRef", {"flavorRef": ...}), ("flavorRef", {"flavorRef": "none"}),
                ("flavorRef", {"flavorRef": [1]}), ("image", {"imageRef": "none"}), ("imageRef", {"imageRef": ...}), ("imageRef", {"imageRef": True}), ("metadata", {"metadata": "x"}), ("min_count", {"min_count": 0}),
                ("max_count", {"max_count": "many"}), ("accessIPv4", {"accessIPv4": "x"}), ("OS-DCF:diskConfig", {"OS-DCF:diskConfig": "x"}), ("key_name", {"key_name": "none"})):
            with self.subTest(str(server)):
                self.refused(server, says)

    def test_quota(self):
        self.refused({"min_count": 11, "max_count": 11}, "uota", 413, "overLimit")
        answer = self.user.send("POST", "/servers", {"server": {"name": "large", "imageRef": self.cloud.image, "flavorRef": "5", "min_count": 3}})
        self.assertIn("retry-after", self.expect(answer, 413).headers)
        self.assertEqual([], self.user.send("GET", "/servers").json["servers"])

    def test_ids_may_be_urls_and_the_password_ones_own(self):
        answer = self.user.send("POST", "/servers", {"server": {
            "name": "urls", "imageRef": f"{self.cloud.root}/v1.1/{self.user.tenant}/images/{self.cloud.image}", "flavorRef": f"{self.cloud.root}/v1.1/{self.user.tenant}/flavors/1", "adminPass": "my own"}})
        server = self.expect(answer, 202).json["server"]
        self.addCleanup(self.user.delete, server["id"])
        self.assertEqual(("my own", "BUILD"), (server["adminPass"], server["status"]))
        self.assertEqual(f"{self.cloud.root}/v1.1/{self.user.tenant}/servers/{server['id']}", answer.headers["location"])
        self.user.wait(server["id"], "ACTIVE")

    def test_several_at_once_and_pages_of_them(self):
        reservation = self.expect(self.user.send("POST", "/servers", {"server": {
            "name": "several", "imageRef": self.cloud.image, "flavorRef": "1", "min_count": 3, "max_count": 3, "return_reservation_id": True}}), 202).json["reservation_id"]
        made = self.expect(self.user.send("GET", f"/servers?reservation_id={reservation}"), 200).json["servers"]
        for server in made:
            self.addCleanup(self.user.delete, server["id"])
        self.assertEqual(3, len(made))
        seen, path = [], "/servers?limit=2&fresh=0.5"
        while path:
            page = self.expect(self.user.send("GET", path), 200).json
            seen += [s["id"] for s in page["servers"]]
            links = page.get("servers_links", [])
            if links:
                self.assertEqual("next", links[0]["rel"])
                self.assertRegex(links[0]["href"], f"^{re.escape(self.cloud.root)}/v1.1/{self.user.tenant}/servers\\?limit=2&marker={UUID}$")
                path = links[0]["href"].split(self.user.management)[1]
            else:
                path = None
        self.assertEqual([s["id"] for s in made], seen)
        for server in made:
            self.user.wait(server["id"], "ACTIVE")
