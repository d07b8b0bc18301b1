"""Runs the real Glance of Debian's packages on loopback, on a port that the system chooses.

usage: serve.py CONF READY [PORT]
READY gets the port, once it listens. While there is a file READY.slow, each part of a request's body is only read after a pause.
"""
# Glance runs on green threads: before anything else is imported.
import eventlet

eventlet.monkey_patch()

import os  # noqa: E402
import sys  # noqa: E402

from oslo_config import cfg  # noqa: E402
from oslo_log import log  # noqa: E402

import glance.async_  # noqa: E402
from glance.common import config, wsgi  # noqa: E402
from glance import notifier  # noqa: E402

# Seconds before each part of a body, and the bytes of a part.
PAUSE = 0.1
PART = 64 * 1024


class Unhurried:
    """A request's body, as it comes where a file says that there is no hurry."""

    def __init__(self, body, slow):
        self.body = body
        self.slow = slow

    def read(self, size=-1):
        if os.path.exists(self.slow):
            eventlet.sleep(PAUSE)
            size = PART if size < 0 else min(size, PART)
        return self.body.read(size)

    def __getattr__(self, name):
        return getattr(self.body, name)


def unhurried(application, slow):
    def call(environ, start_response):
        environ["wsgi.input"] = Unhurried(environ["wsgi.input"], slow)
        return application(environ, start_response)

    return call


def main(conf, ready, port="0"):
    log.register_options(cfg.CONF)
    config.parse_args(["--config-file", conf])
    config.set_config_defaults()
    wsgi.set_eventlet_hub()
    log.setup(cfg.CONF, "glance")
    notifier.set_defaults()
    cfg.CONF.set_override("bind_host", "127.0.0.1")
    # In this process, without children.
    cfg.CONF.set_override("workers", 0)
    glance.async_.set_threadpool_model("eventlet")
    server = wsgi.Server(initialize_glance_store=True)
    server.start(unhurried(config.load_paste_app("glance-api"), ready + ".slow"), default_port=int(port))
    with open(ready + ".new", "w", encoding="ascii") as file:
        file.write(str(server.sock.getsockname()[1]))
    os.rename(ready + ".new", ready)
    server.wait()


arguments = sys.argv[1:]
# Glance reads the command line, too, and would not understand it.
del sys.argv[1:]
main(*arguments)
