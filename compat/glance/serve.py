"""Runs the real Glance of Debian's packages on loopback, on a port that the system chooses.

usage: serve.py CONF READY [PORT]
READY gets the port, once it listens.
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
    server.start(config.load_paste_app("glance-api"), default_port=int(port))
    with open(ready + ".new", "w", encoding="ascii") as file:
        file.write(str(server.sock.getsockname()[1]))
    os.rename(ready + ".new", ready)
    server.wait()


arguments = sys.argv[1:]
# Glance reads the command line, too, and would not understand it.
del sys.argv[1:]
main(*arguments)
