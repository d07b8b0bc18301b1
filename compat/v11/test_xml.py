"""v1.1 in XML, in both directions."""

from cloud import ATOM, COMPUTE, ServerTest

NS = 'xmlns="http://docs.openstack.org/compute/api/v1.1"'
STATUS = "{http://docs.openstack.org/compute/ext/os-ext-sts/api/v1.1}"


class Xml(ServerTest):
    def test_document_begins_as_xml_does(self):
        answer = self.expect(self.user.xml("GET", f"/servers/{self.server}"), 200)
        self.assertEqual("application/xml", answer.headers["content-type"])
        self.assertTrue(answer.bytes.startswith(b'<?xml version="1.0" encoding="utf-8"?><server '), answer)
        self.assertIn(b' xmlns="http://docs.openstack.org/compute/api/v1.1"', answer.bytes)
        self.assertIn(b' xmlns:atom="http://www.w3.org/2005/Atom"', answer.bytes)
        self.assertEqual(str(len(answer.bytes)), answer.headers["content-length"])

    def test_server(self):
        document = self.expect(self.user.xml("GET", f"/servers/{self.server}"), 200).xml
        shown = self.user.send("GET", f"/servers/{self.server}").json["server"]
        for attribute, key in (("id", "id"), ("uuid", "uuid"), ("name", "name"), ("status", "status"), ("tenantId", "tenant_id"), ("userId", "user_id"), ("hostId", "hostId"), ("created", "created"),
                               ("accessIPv4", "accessIPv4"), ("accessIPv6", "accessIPv6")):
            self.assertEqual(shown[key], document.get(attribute), attribute)
        self.assertEqual("100", document.get("progress"))
        self.assertEqual("active", document.get(STATUS + "vm_state"))
        self.assertEqual([("self", shown["links"][0]["href"]), ("bookmark", shown["links"][1]["href"])], [(link.get("rel"), link.get("href")) for link in document.findall(ATOM + "link")])
        for reference in ("image", "flavor"):
            element = document.find(COMPUTE + reference)
            self.assertEqual((shown[reference]["id"], shown[reference]["links"][0]["href"]), (element.get("id"), element.find(ATOM + "link").get("href")))
        self.assertEqual({"purpose": "compat"}, {m.get("key"): m.text for m in document.findall(f"{COMPUTE}metadata/{COMPUTE}meta")})
        networks = {n.get("id"): [(ip.get("version"), ip.get("addr")) for ip in n] for n in document.findall(f"{COMPUTE}addresses/{COMPUTE}network")}
        self.assertEqual({label: [(str(a["version"]), a["addr"]) for a in addresses] for label, addresses in shown["addresses"].items()}, networks)

    def test_format_is_chosen_by_suffix_then_accept(self):
        path = f"/servers/{self.server}"
        self.expect(self.user.send("GET", path + ".xml"), 200).xml
        self.expect(self.user.send("GET", path + ".json", headers=[("Accept", "application/xml")]), 200).json
        for accept in ("application/xml", "application/vnd.openstack.compute-v1.1+xml", "application/vnd.openstack.compute+xml", "application/json;q=0.4, application/xml;q=0.5"):
            self.expect(self.user.send("GET", path, headers=[("Accept", accept)]), 200).xml
        for accept in ("application/json", "application/vnd.openstack.compute-v1.1+json", "*/*", "text/html", "application/xml;q=0.4, application/json"):
            self.expect(self.user.send("GET", path, headers=[("Accept", accept)]), 200).json

    def test_every_list_has_its_root(self):
        for path, root in (("/servers", "servers"), ("/servers/detail", "servers"), ("/flavors", "flavors"), ("/flavors/detail", "flavors"), ("/images", "images"), ("/images/detail", "images"), ("/limits", "limits"),
                           ("/extensions", "extensions"), ("/flavors/1", "flavor"), (f"/images/{self.cloud.image}", "image"), ("/extensions/OS-DCF", "extension"), (f"/servers/{self.server}/ips", "addresses"),
                           (f"/servers/{self.server}/metadata", "metadata"), (f"/servers/{self.server}/metadata/purpose", "meta")):
            with self.subTest(path):
                self.assertEqual(COMPUTE + root, self.expect(self.user.xml("GET", path), 200).xml.tag)

    def test_flavor_and_limits(self):
        flavor = self.user.xml("GET", "/flavors/2").xml
        self.assertEqual(("2", "m1.small", "2048", "20", "1"), tuple(flavor.get(a) for a in ("id", "name", "ram", "disk", "vcpus")))
        limits = {e.get("name"): e.get("value") for e in self.user.xml("GET", "/limits").xml.findall(f"{COMPUTE}absolute/{COMPUTE}limit")}
        self.assertEqual(("10", "20", "51200"), (limits["maxTotalInstances"], limits["maxTotalCores"], limits["maxTotalRAMSize"]))

    def test_create_and_delete(self):
        created = self.expect(self.user.xml("POST", "/servers", f'<server {NS} name="x&amp;y" imageRef="{self.cloud.image}" flavorRef="1" adminPass="secret"><metadata><meta key="a b">&lt;v&gt;</meta></metadata></server>'), 202)
        document = created.xml
        identity = document.get("id")
        self.addCleanup(self.user.delete, identity)
        self.assertEqual(("x&y", "BUILD", "secret"), (document.get("name"), document.get("status"), document.get("adminPass")))
        self.assertEqual([("a b", "<v>")], [(m.get("key"), m.text) for m in document.find(COMPUTE + "metadata")])
        self.user.wait(identity, "ACTIVE")
        self.assertEqual(b"", self.expect(self.user.xml("DELETE", f"/servers/{identity}"), 204).bytes)

    def test_update_and_metadata(self):
        at = f"/servers/{self.server}"
        self.assertEqual("other", self.expect(self.user.xml("PUT", at, f'<server {NS} name="other"/>'), 200).xml.get("name"))
        self.expect(self.user.xml("PUT", at, '<server name="Xml"/>'), 200)
        self.assertEqual({"purpose", "a"}, {m.get("key") for m in self.expect(self.user.xml("POST", at + "/metadata", f'<metadata {NS}><meta key="a">1</meta></metadata>'), 200).xml})
        meta = self.expect(self.user.xml("PUT", at + "/metadata/a", f'<meta {NS} key="a">2</meta>'), 200).xml
        self.assertEqual((COMPUTE + "meta", "a", "2"), (meta.tag, meta.get("key"), meta.text))
        self.expect(self.user.xml("DELETE", at + "/metadata/a"), 204)
        self.xml_fault(self.user.xml("PUT", at + "/metadata/a", f'<meta {NS} key="b">2</meta>'), 400, "badRequest")
        self.assertEqual(1, len(self.expect(self.user.xml("PUT", at + "/metadata", f'<metadata {NS}><meta key="purpose">compat</meta></metadata>'), 200).xml))

    def test_a_json_body_may_be_answered_in_xml_and_the_other_way_round(self):
        at = f"/servers/{self.server}/metadata"
        self.expect(self.user.send("POST", at, {"metadata": {"purpose": "compat"}}, [("Accept", "application/xml")]), 200).xml
        self.expect(self.user.send("POST", at, f'<metadata {NS}><meta key="purpose">compat</meta></metadata>'), 200).json

    def test_resize_and_revert(self):
        at = f"/servers/{self.server}"
        self.assertEqual(b"", self.expect(self.user.xml("POST", at + "/action", f'<resize {NS} flavorRef="2"/>'), 202).bytes)
        self.assertIn(self.user.send("GET", at).json["server"]["status"], ("RESIZE", "VERIFY_RESIZE"))
        self.user.wait(self.server, "VERIFY_RESIZE")
        self.expect(self.user.xml("POST", at + "/action", f"<revertResize {NS}/>"), 202)
        self.assertEqual("1", self.user.wait(self.server, "ACTIVE")["flavor"]["id"])
        self.expect(self.user.xml("POST", at + "/action", f'<reboot {NS} type="HARD"/>'), 202)
        self.user.wait(self.server, "ACTIVE")

    def test_faults(self):
        self.xml_fault(self.user.xml("GET", "/servers/none"), 404, "itemNotFound")
        self.xml_fault(self.user.xml("DELETE", "/servers"), 405, "badMethod")
        self.xml_fault(self.user.xml("GET", "/os-services"), 403, "resizeNotAllowed")
        self.xml_fault(self.user.xml("POST", f"/servers/{self.server}/action", "<unheardOf/>"), 400, "badRequest", "unheardOf")
        self.xml_fault(self.user.xml("POST", "/servers", "<server"), 400, "badRequest")
        self.xml_fault(self.user.xml("POST", "/servers", '<!DOCTYPE s [<!ENTITY e SYSTEM "file:///etc/passwd">]><server name="&e;"/>'), 400, "badRequest")
        self.xml_fault(self.user.send("POST", "/servers", "a=b", [("Accept", "application/xml")], "application/x-www-form-urlencoded"), 415, "badMediaType")
        self.xml_fault(self.user.xml("POST", "/servers", f'<server name="{"x" * 200000}"/>'), 413, "overLimit")
        answer = self.user.xml("GET", "/servers/none")
        self.assertTrue(answer.bytes.startswith(b'<?xml version="1.0" encoding="utf-8"?><itemNotFound xmlns:atom="http://www.w3.org/2005/Atom" code="404"') or b'<itemNotFound' in answer.bytes, answer)
