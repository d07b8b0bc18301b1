"""Starts a small shim that asks nobody who they are (identity:mode noauth), for the ways in that clients have where there is no identity service. One host, the cloud's images."""
import contextlib
import json
import os
import subprocess
import tempfile
import time
import urllib.request

PROGRAM = 'artifacts/bin/NovaShim/release/novashim'
PATIENCE = 180


@contextlib.contextmanager
def believing_shim(images):
    """Its address, while it runs. images: as a ready file of compat/serve.sh has them."""
    with tempfile.TemporaryDirectory() as folder:
        disk, configuration, ready = (os.path.join(folder, name) for name in ('disk', 'conf.json', 'ready.json'))
        with open(disk, 'wb') as file:
            file.truncate(1 << 28)
        with open(configuration, 'w', encoding='utf-8') as file:
            json.dump({
                'data': os.path.join(folder, 'data'), 'api': {'urls': 'http://127.0.0.1:0'}, 'identity': {'mode': 'noauth'},
                'images': [{'id': image['id'], 'name': image['name'], 'path': disk, 'disk_format': 'raw'} for image in images],
                'hosts': [{'name': 'host1', 'driver': 'fake', 'settings': {'memory_mb': '8192', 'vcpus': '4', 'local_gb': '100'}}],
            }, file)
        with open(os.path.join(folder, 'log'), 'w+', encoding='utf-8') as log:
            shim = subprocess.Popen([PROGRAM, 'serve', '--config', configuration, '--ready', ready], stdout=log, stderr=log)
            try:
                yield _await_host(shim, ready, log)
            finally:
                shim.terminate()
                try:
                    shim.wait(60)
                except subprocess.TimeoutExpired:
                    shim.kill()
                    shim.wait()


def _await_host(shim, ready, log):
    """A server can be built only on a host whose heartbeat has been seen."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end and shim.poll() is None:
        if os.path.exists(ready):
            with open(ready, encoding='utf-8') as file:
                address = json.load(file)['api_url']
            with urllib.request.urlopen(urllib.request.Request(address + '/v2.1/os-services?binary=nova-compute', headers={'X-Auth-Token': 'admin'})) as answer:
                if [s for s in json.load(answer)['services'] if s['state'] == 'up']:
                    return address
        time.sleep(0.2)
    log.seek(0)
    raise AssertionError(f'the shim without authentication has not come up:\n{log.read()[-2000:]}')
