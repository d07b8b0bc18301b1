"""Discovery: version documents in JSON, XML and Atom, what their links lead to, and the choices for paths without a version."""

import xml.etree.ElementTree as ElementTree

from cloud import ATOM, COMPUTE, CloudTest


class Versions(CloudTest):
    def get(self, path, accept=None):
        return self.cloud.send("GET", path, [("Accept", accept)] if accept else [])

    def test_list(self):
        answer = self.expect(self.get("/"), 200)
        versions = {v["id"]: v for v in answer.json["versions"]}
        self.assertEqual(["v1.1", "v2.0", "v2.1"], sorted(versions))
        for identity, version in versions.items():
            self.assertRegex(version["updated"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$")
            self.assertEqual("self", version["links"][0]["rel"])
            self.assertTrue(version["links"][0]["href"].startswith(self.cloud.root + "/v"), identity)

    def test_list_in_xml_and_atom(self):
        root = self.expect(self.get("/", "application/xml"), 200).xml
        self.assertEqual(COMPUTE + "versions", root.tag)
        self.assertEqual(3, len(root.findall(COMPUTE + "version")))
        answer = self.expect(self.get("/", "application/atom+xml"), 200)
        self.assertEqual("application/atom+xml", answer.headers["content-type"])
        feed = ElementTree.fromstring(answer.bytes)
        self.assertEqual((ATOM + "feed", 3), (feed.tag, len(feed.findall(ATOM + "entry"))))
        self.assertEqual(self.cloud.root + "/", feed.findtext(ATOM + "id"))
        for element in ("title", "updated", "author", "link"):
            self.assertIsNotNone(feed.find(ATOM + element), element)

    def test_document_of_v11(self):
        version = self.expect(self.get("/v1.1/"), 200).json["version"]
        self.assertEqual(("v1.1", "CURRENT"), (version["id"], version["status"]))
        self.assertEqual({"application/json": "application/vnd.openstack.compute-v1.1+json", "application/xml": "application/vnd.openstack.compute-v1.1+xml"}, {m["base"]: m["type"] for m in version["media-types"]})
        root = self.expect(self.get("/v1.1/", "application/xml"), 200).xml
        self.assertEqual((COMPUTE + "version", "v1.1"), (root.tag, root.get("id")))
        self.assertEqual(2, len(root.findall(f"{COMPUTE}media-types/{COMPUTE}media-type")))
        feed = ElementTree.fromstring(self.expect(self.get("/v1.1/", "application/atom+xml"), 200).bytes)
        self.assertEqual(f"{self.cloud.root}/v1.1/", feed.findtext(f"{ATOM}entry/{ATOM}id"))

    def test_suffixes_choose_as_accept_does(self):
        self.assertEqual(COMPUTE + "version", self.expect(self.get("/v1.1.xml"), 200).xml.tag)
        self.assertEqual("v1.1", self.expect(self.get("/v1.1.json", "application/xml"), 200).json["version"]["id"])
        self.assertEqual("application/atom+xml", self.expect(self.get("/v1.1.atom"), 200).headers["content-type"])

    def test_describedby_links_lead_somewhere(self):
        links = [link for link in self.get("/v1.1/").json["version"]["links"] if link["rel"] == "describedby"]
        self.assertEqual({"application/json", "application/xml"}, {link["type"] for link in links})
        for link in links:
            answer = self.expect(self.cloud.send("GET", link["href"].removeprefix(self.cloud.root)), 200)
            self.assertEqual(link["type"], answer.headers["content-type"])
            self.assertGreater(len(answer.bytes), 500)

    def test_paths_without_a_version_have_choices(self):
        answer = self.expect(self.get("/servers/52415800-8b69-11e0-9b19-734f6f006e54"), 300)
        choices = answer.json["choices"]
        self.assertEqual(["v1.1", "v2.0", "v2.1"], [c["id"] for c in choices])
        self.assertEqual(f"{self.cloud.root}/v1.1/servers/52415800-8b69-11e0-9b19-734f6f006e54", choices[0]["links"][0]["href"])
        self.assertIn("media-types", choices[0])
        root = self.expect(self.get("/servers/1.xml"), 300).xml
        self.assertEqual(COMPUTE + "choices", root.tag)
        self.assertEqual(["v1.1", "v2.0", "v2.1"], [v.get("id") for v in root.findall(COMPUTE + "version")])

    def test_the_tenants_own_root_is_no_document(self):
        user = self.cloud.user(0)
        self.fault(user.send("GET", ""), 404, "itemNotFound")

    def test_connection_close_is_echoed(self):
        self.assertEqual("close", self.cloud.send("GET", "/v1.1/", [("Connection", "close")]).headers["connection"])
