"""Runs the real Keystone of Debian's packages on loopback, on a port that the system chooses.

usage: serve.py CONF READY [PORT]
READY gets the port, once it listens. One request at a time, which is what SQLite wants.
"""
import os
import sys
from wsgiref.simple_server import WSGIRequestHandler, make_server

from keystone.server.flask import core


class Quiet(WSGIRequestHandler):
    def log_message(self, *args):
        pass

    def address_string(self):
        return self.client_address[0]


def main(conf, ready, port="0"):
    application = core.initialize_application(name="public", config_files=[conf])
    with make_server("127.0.0.1", int(port), application, handler_class=Quiet) as server:
        with open(ready + ".new", "w", encoding="ascii") as file:
            file.write(str(server.server_port))
        os.rename(ready + ".new", ready)
        server.serve_forever()


arguments = sys.argv[1:]
# Keystone reads the command line, too, and would not understand it.
del sys.argv[1:]
main(*arguments)
