"""What goes wrong before a handler is reached: paths, methods, formats, sizes, tokens."""

from cloud import CloudTest


class Faults(CloudTest):
    def setUp(self):
        self.user = self.cloud.user(0)

    def test_paths_and_methods(self):
        for path in ("/nothing", "/servers/a/b/c", "/servers/detail/more", "/flavors/1/none"):
            with self.subTest(path):
                self.fault(self.user.send("GET", path), 404, "itemNotFound")
                self.xml_fault(self.user.xml("GET", path), 404, "itemNotFound")
        for method, path in (("DELETE", "/servers"), ("PUT", "/servers"), ("POST", "/limits"), ("DELETE", "/extensions"), ("PUT", "/flavors/1"), ("GET", "/servers/x/action"), ("PATCH", "/servers/x")):
            with self.subTest(f"{method} {path}"):
                self.fault(self.user.send(method, path), 405, "badMethod")

    def test_bodies(self):
        for body in ("", "{", "null", "[]", '"server"', "{}", '{"server": null}', '{"server": []}', '{"server": {"name": "a",}}', "{'server': {}}", '{"server": {"name": "\\ud800"}}', "[" * 5000, '{"a":' * 5000, "\ufeff" + "{", "NaN"):
            with self.subTest(body[:30]):
                self.fault(self.user.send("POST", "/servers", body or None, [] if body else [("Content-Type", "application/json")], "application/json"), 400, "badRequest")

    def test_media_types(self):
        for content_type in ("application/x-www-form-urlencoded", "text/html", "application/atom+xml", "image/png"):
            with self.subTest(content_type):
                self.fault(self.user.send("POST", "/servers", "x", content_type=content_type), 415, "badMediaType")
        for content_type in ("application/json", "application/json; charset=UTF-8", "application/vnd.openstack.compute-v1.1+json", "application/vnd.openstack.compute+json"):
            with self.subTest(content_type):
                self.fault(self.user.send("POST", "/servers", "{}", content_type=content_type), 400, "badRequest", "server")

    def test_sizes(self):
        self.fault(self.user.send("POST", "/servers", {"server": {"name": "x" * 200_000}}), 413, "overLimit")
        self.fault(self.user.send("GET", "/servers/" + "x" * 3000), 404, "itemNotFound")

    def test_every_answer_has_its_request_id(self):
        seen = set()
        for path in ("/servers", "/servers/none", "/nothing"):
            answer = self.user.send("GET", path)
            self.assertRegex(answer.headers["x-compute-request-id"], r"^req-[0-9a-f-]{36}$")
            seen.add(answer.headers["x-compute-request-id"])
        self.assertEqual(3, len(seen))

    def test_a_head_has_no_body(self):
        answer = self.cloud.send("HEAD", "/v1.1/nothing", [("X-Auth-Token", self.user.token)])
        self.assertEqual((404, b""), (answer.status, answer.bytes))


class ImagesAndFlavors(CloudTest):
    def setUp(self):
        self.user = self.cloud.user(0)

    def test_flavors_are_novas(self):
        flavors = {f["id"]: (f["name"], f["ram"], f["vcpus"]) for f in self.expect(self.user.send("GET", "/flavors/detail"), 200).json["flavors"]}
        self.assertEqual({"1": ("m1.tiny", 512, 1), "2": ("m1.small", 2048, 1), "3": ("m1.medium", 4096, 2), "4": ("m1.large", 8192, 4), "5": ("m1.xlarge", 16384, 8)}, {k: v for k, v in flavors.items() if k in "12345"})
        self.assertEqual(["3", "4", "5"], [f["id"] for f in self.user.send("GET", "/flavors?minRam=4096").json["flavors"]][:3])
        page = self.user.send("GET", "/flavors?limit=2").json
        self.assertEqual((["1", "2"], "next"), ([f["id"] for f in page["flavors"]], page["flavors_links"][0]["rel"]))
        self.assertEqual("3", self.user.send("GET", "/flavors?limit=1&marker=2").json["flavors"][0]["id"])
        self.fault(self.user.send("GET", "/flavors?marker=none"), 400, "badRequest", "marker")

    def test_images(self):
        listed = {i["name"]: i for i in self.expect(self.user.send("GET", "/images/detail"), 200).json["images"]}
        self.assertEqual(set(self.cloud.images), set(listed) & set(self.cloud.images))
        for name, identity in self.cloud.images.items():
            image = self.expect(self.user.send("GET", f"/images/{identity}"), 200).json["image"]
            self.assertEqual((identity, "ACTIVE", 100), (image["id"], image["status"], image["progress"]))
            self.assertEqual(identity, listed[name]["id"])
        self.assertEqual([self.cloud.image], [i["id"] for i in self.user.send("GET", f"/images?name={next(iter(self.cloud.images))}").json["images"]])

    def test_limits_are_as_nova_ships_them(self):
        limits = self.expect(self.user.send("GET", "/limits"), 200).json["limits"]
        self.assertEqual([], limits["rate"])
        for name, value in (("maxTotalInstances", 10), ("maxTotalCores", 20), ("maxTotalRAMSize", 51200), ("maxServerMeta", 128)):
            self.assertEqual(value, limits["absolute"][name], name)

    def test_extensions(self):
        for extension in self.expect(self.user.send("GET", "/extensions"), 200).json["extensions"]:
            self.assertEqual({"name", "namespace", "alias", "updated", "description", "links"}, set(extension))
            self.assertEqual(extension, self.expect(self.user.send("GET", f"/extensions/{extension['alias']}"), 200).json["extension"])
        self.fault(self.user.send("GET", "/extensions/none"), 404, "itemNotFound")
