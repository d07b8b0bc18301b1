"""Tenants are walls: what belongs to another tenant is not there, in any route, filter, marker or metadata path; what is an administrator's is forbidden."""

from cloud import CloudTest

ACTIONS = ({"reboot": {"type": "HARD"}}, {"resize": {"flavorRef": "2"}}, {"confirmResize": None}, {"revertResize": None}, {"changePassword": {"adminPass": "x"}}, {"rebuild": {"imageRef": "@"}}, {"createImage": {"name": "x"}}, {"os-start": None},
           {"os-stop": None})
ADMIN_ACTIONS = ({"migrate": None}, {"os-resetState": {"state": "error"}})


class Walls(CloudTest):
    @classmethod
    def setUpClass(cls):
        cls.owner, cls.other, cls.admin = cls.cloud.user(2), cls.cloud.user(3), cls.cloud.user(-1)
        cls.server = cls.owner.create("walled", metadata={"secret": "value"})
        cls.addClassCleanup(cls.owner.delete, cls.server)
        cls.before = cls.owner.send("GET", f"/servers/{cls.server}").json["server"]

    def tearDown(self):
        self.assertEqual(self.before | {"updated": ""}, self.owner.send("GET", f"/servers/{self.server}").json["server"] | {"updated": ""})

    def both(self, method, path, body, status, json_name):
        self.fault(self.other.send(method, path, body), status, json_name)
        self.xml_fault(self.other.send(method, path, body, [("Accept", "application/xml")]), status, json_name)

    def test_routes(self):
        at = f"/servers/{self.server}"
        for method, path, body in (
                ("GET", at, None), ("PUT", at, {"server": {"name": "mine"}}), ("DELETE", at, None), ("GET", at + "/ips", None), ("GET", at + "/ips/private", None), ("GET", at + "/metadata", None),
                ("POST", at + "/metadata", {"metadata": {"a": "b"}}), ("PUT", at + "/metadata", {"metadata": {}}), ("GET", at + "/metadata/secret", None), ("PUT", at + "/metadata/secret", {"meta": {"secret": "x"}}),
                ("DELETE", at + "/metadata/secret", None), ("GET", at + "/os-instance-actions", None), ("GET", at + "/os-instance-actions/req-x", None)):
            with self.subTest(f"{method} {path}"):
                self.both(method, path, body, 404, "itemNotFound")

    def test_actions(self):
        nowhere = "00000000-0000-4000-8000-000000000000"
        for body in ACTIONS:
            with self.subTest(str(body)):
                body = {"rebuild": {"imageRef": self.cloud.image}} if "rebuild" in body else body
                answers = [self.other.send("POST", f"/servers/{identity}/action", body) for identity in (self.server, nowhere)]
                self.assertEqual(answers[1].bytes.replace(nowhere.encode(), b"@"), answers[0].bytes.replace(self.server.encode(), b"@"))
                # An action that there is not is told to anybody.
                if b"no such action" in answers[0].bytes:
                    self.expect(answers[0], 400)
                else:
                    self.both("POST", f"/servers/{self.server}/action", body, 404, "itemNotFound")

    def test_a_server_that_is_not_there_looks_no_different(self):
        there = self.other.send("GET", f"/servers/{self.server}").json["itemNotFound"]["message"].replace(self.server, "@")
        nowhere = "00000000-0000-4000-8000-000000000000"
        self.assertEqual(there, self.other.send("GET", f"/servers/{nowhere}").json["itemNotFound"]["message"].replace(nowhere, "@"))

    def test_lists_filters_and_markers(self):
        for query in ("", "?name=walled", "?status=ACTIVE", f"?tenant_id={self.owner.tenant}", f"?project_id={self.owner.tenant}", "?host=host1", "?host=host2", "?deleted=true", "?changes-since=2011-01-01T00:00:00Z",
                      f"?image={self.cloud.image}", "?all_tenants=0", "?limit=1000"):
            for path in ("/servers", "/servers/detail"):
                with self.subTest(path + query):
                    self.assertNotIn(self.server, [s["id"] for s in self.expect(self.other.send("GET", path + query), 200).json["servers"]])
        self.fault(self.other.send("GET", f"/servers?marker={self.server}"), 400, "badRequest", "marker")
        self.both("GET", "/servers?all_tenants=1", None, 403, "resizeNotAllowed")

    def test_another_tenants_path(self):
        for method, path in (("GET", "/servers"), ("GET", f"/servers/{self.server}"), ("DELETE", f"/servers/{self.server}"), ("GET", "/limits"), ("GET", "/images")):
            with self.subTest(path):
                answer = self.cloud.send(method, self.owner.management + path, [("X-Auth-Token", self.other.token)])
                self.assertIn(answer.status, (400, 403, 404), answer)
                self.assertNotIn(b"walled", answer.bytes)

    def test_administrators_routes_are_forbidden(self):
        at = f"/servers/{self.server}"
        for method, path, body in (
                ("GET", "/os-services", None), ("PUT", "/os-services/disable", {"host": "host1", "binary": "nova-compute"}), ("GET", "/os-hypervisors", None), ("GET", "/os-hypervisors/detail", None),
                ("GET", "/os-hypervisors/1", None), ("GET", "/os-hypervisors/statistics", None), ("GET", "/os-migrations", None), ("GET", "/os-availability-zone/detail", None), ("POST", at + "/migrate", None),
                ("POST", "/flavors", {"flavor": {}}), ("DELETE", "/flavors/1", None), ("POST", "/flavors/1/os-extra_specs", {"extra_specs": {}})):
            with self.subTest(f"{method} {path}"):
                self.both(method, path, body, 403, "resizeNotAllowed")
        for user in (self.owner, self.other):
            for body in ADMIN_ACTIONS:
                with self.subTest(str(body)):
                    answer = user.send("POST", at + "/action", body)
                    self.assertIn(answer.status, (403, 404) if user is self.other else (403,), answer)

    def test_odata_is_the_administrators(self):
        for path in ("/odata/v1/Instances", "/odata/v1/Migrations", "/odata/v1/$metadata"):
            with self.subTest(path):
                self.assertEqual(403, self.cloud.send("GET", path, [("X-Auth-Token", self.other.token)]).status)
                self.assertEqual(401, self.cloud.send("GET", path).status)
                self.assertEqual(200, self.cloud.send("GET", path, [("X-Auth-Token", self.admin.token)]).status)

    def test_administrators_see_over_them(self):
        self.assertIn(self.server, [s["id"] for s in self.expect(self.admin.send("GET", "/servers?all_tenants=1"), 200).json["servers"]])
        self.assertNotIn(self.server, [s["id"] for s in self.expect(self.admin.send("GET", "/servers"), 200).json["servers"]])
        self.assertEqual([self.server], [s["id"] for s in self.expect(self.admin.send("GET", f"/servers?all_tenants=1&tenant_id={self.owner.tenant}"), 200).json["servers"]])
