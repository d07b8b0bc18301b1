"""Runs the real Keystone of Debian's packages on loopback, on a port that the system chooses.

usage: serve.py CONF READY [PORT]
READY gets the port, once it listens. One request at a time, which is what SQLite wants; but a client that has connected and says nothing keeps nobody waiting.
"""
import os
import socketserver
import sys
import threading
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from keystone.server.flask import core


class Quiet(WSGIRequestHandler):
    def log_message(self, *args):
        pass

    def address_string(self):
        return self.client_address[0]


class Server(socketserver.ThreadingMixIn, WSGIServer):
    daemon_threads = True
    request_queue_size = 64


def one_at_a_time(application):
    turn = threading.Lock()

    def call(environ, start_response):
        with turn:
            return application(environ, start_response)

    return call


def main(conf, ready, port="0"):
    application = core.initialize_application(name="public", config_files=[conf])
    with make_server("127.0.0.1", int(port), one_at_a_time(application), server_class=Server, handler_class=Quiet) as server:
        with open(ready + ".new", "w", encoding="ascii") as file:
            file.write(str(server.server_port))
        os.rename(ready + ".new", ready)
        server.serve_forever()


arguments = sys.argv[1:]
# Keystone reads the command line, too, and would not understand it.
del sys.argv[1:]
main(*arguments)
