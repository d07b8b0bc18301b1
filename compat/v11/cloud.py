"""The cloud under test, and requests to it as bytes: nothing that a client library would add or mend."""

import contextlib
import http.client
import json
import os
import time
import unittest
import urllib.parse
import xml.etree.ElementTree as ElementTree

COMPUTE = "{http://docs.openstack.org/compute/api/v1.1}"
ATOM = "{http://www.w3.org/2005/Atom}"
BUILD_SECONDS = 120


class Answer:
    """What came back: a status, headers by lower-case name, bytes."""

    def __init__(self, response):
        self.status = response.status
        self.headers = {name.lower(): value for name, value in response.getheaders()}
        self.bytes = response.read()

    @property
    def json(self):
        assert self.headers["content-type"].split(";")[0] == "application/json", self
        return json.loads(self.bytes)

    @property
    def xml(self):
        assert self.headers["content-type"].split(";")[0] == "application/xml", self
        return ElementTree.fromstring(self.bytes)

    def __repr__(self):
        return f"{self.status} {self.headers} {self.bytes[:600]!r}"


class Cloud:
    """A shim that runs, as compat/serve.sh describes it."""

    def __init__(self, path):
        with open(path, encoding="utf-8") as file:
            self.description = json.load(file)
        self.root = self.description["compute_url"]["v1.1"].removesuffix("/v1.1")
        self.address = urllib.parse.urlsplit(self.root).netloc
        self.images = {i["name"]: i["id"] for i in self.description["images"]}
        self.image = next(iter(self.images.values()))
        self.flavors = {f["name"]: f["id"] for f in self.description["flavors"]}
        self._users = {}

    def send(self, method, target, headers=(), body=None):
        """One request on a connection of its own. Headers are pairs, so that a name can be there twice."""
        connection = http.client.HTTPConnection(self.address, timeout=120)
        with contextlib.closing(connection):
            connection.putrequest(method, target, skip_accept_encoding=True)
            for name, value in headers:
                connection.putheader(name, value)
            if body is not None:
                body = body.encode() if isinstance(body, str) else body
                connection.putheader("Content-Length", str(len(body)))
            connection.endheaders(body)
            return Answer(connection.getresponse())

    def user(self, index):
        """The user of that number, logged in the old way; the administrator is -1."""
        if index not in self._users:
            users = self.description["users"]
            chosen = [u for u in users if u["admin"]][0] if index == -1 else [u for u in users if not u["admin"]][index]
            self._users[index] = User(self, chosen)
        return self._users[index]


class User:
    """A user with a token of the v1.1 login."""

    def __init__(self, cloud, account):
        self.cloud = cloud
        self.account = account
        answer = self.log_in()
        assert answer.status == 204, answer
        self.token = answer.headers["x-auth-token"]
        self.management = urllib.parse.urlsplit(answer.headers["x-server-management-url"]).path
        self.tenant = self.management.rsplit("/", 1)[1]

    def log_in(self, root="/v1.1/", **changes):
        headers = {"X-Auth-User": self.account["name"], "X-Auth-Key": self.account["password"], "X-Auth-Project-Id": self.account["project"]} | changes
        return self.cloud.send("GET", root, [(n, v) for n, v in headers.items() if v is not None])

    def send(self, method, path, body=None, headers=(), content_type=None):
        """A request below this user's tenant; a dict goes as JSON, a text that begins with < as XML."""
        sent = [("X-Auth-Token", self.token), *headers]
        if body is not None:
            if isinstance(body, dict):
                body = json.dumps(body)
            sent.append(("Content-Type", content_type or ("application/xml" if body.lstrip().startswith("<") else "application/json")))
        return self.cloud.send(method, self.management + path, sent, body)

    def xml(self, method, path, body=None):
        """The same, answered in XML."""
        return self.send(method, path, body, [("Accept", "application/xml")])

    def create(self, name="compat", **more):
        """A server, and only once it can be used."""
        answer = self.send("POST", "/servers", {"server": {"name": name, "imageRef": self.cloud.image, "flavorRef": self.cloud.flavors["m1.tiny"], **more}})
        assert answer.status == 202, answer
        identity = answer.json["server"]["id"]
        self.wait(identity, "ACTIVE")
        return identity

    def wait(self, identity, *statuses):
        """Until the server is in one of some statuses."""
        deadline = time.monotonic() + BUILD_SECONDS
        while True:
            answer = self.send("GET", f"/servers/{identity}")
            if answer.status == 404 and "DELETED" in statuses:
                return None
            assert answer.status == 200, answer
            server = answer.json["server"]
            if server["status"] in statuses:
                return server
            assert server["status"] != "ERROR", server
            assert time.monotonic() < deadline, f"still {server['status']}, and not {statuses}"
            time.sleep(0.2)

    def delete(self, identity):
        """Away with it, be it gone already."""
        answer = self.send("DELETE", f"/servers/{identity}")
        assert answer.status in (204, 404), answer
        self.wait(identity, "DELETED")


CLOUD = Cloud(os.environ["V11_CLOUD"])


class CloudTest(unittest.TestCase):
    """A test with a cloud."""

    cloud = CLOUD

    def expect(self, answer, status):
        self.assertEqual(status, answer.status, answer)
        return answer

    def fault(self, answer, status, name, says=""):
        """A fault in JSON, to the letter of its shape."""
        self.expect(answer, status)
        document = answer.json
        self.assertEqual([name], list(document), answer)
        self.assertEqual(status, document[name]["code"])
        self.assertIn(says, document[name]["message"])
        return document[name]

    def xml_fault(self, answer, status, name, says=""):
        """A fault in XML."""
        self.expect(answer, status)
        root = answer.xml
        self.assertEqual((COMPUTE + name, str(status)), (root.tag, root.get("code")), answer)
        self.assertIn(says, root.findtext(COMPUTE + "message"))
        return root


class ServerTest(CloudTest):
    """A test with a server of the first user's, made once for its class."""

    @classmethod
    def setUpClass(cls):
        cls.user = cls.cloud.user(0)
        cls.server = cls.user.create(cls.__name__, metadata={"purpose": "compat"})
        cls.addClassCleanup(cls.user.delete, cls.server)
