"""What a user does to servers, images and groups with python-openstackclient, and what it prints."""
import os
import tempfile

from session import Checks, equal, holds

CHECKS = Checks()
check = CHECKS.check
USER = 'user3'


def server(osc, name='runner'):
    return osc.run('server', 'show', name, user=USER).properties()


def until(osc, status, power, name='runner'):
    """Waits until the server is shown so, and idle; then the list must say the same."""
    osc.until(lambda: [server(osc, name)[key] for key in ('status', 'OS-EXT-STS:task_state')], lambda found: found == [status, 'None'])
    row = osc.run('server', 'list', '--long', '--name', f'^{name}$', user=USER).row(Name=name)
    equal((row['Status'], row['Task State'], row['Power State']), (status, 'None', power))


@check
def power(osc):
    """server stop, start, pause, unpause, suspend, resume, lock, unlock, rescue, unrescue, shelve, unshelve"""
    osc.run('server', 'create', '--flavor', 'm1.tiny', '--image', 'journal', '--wait', 'runner', user=USER)
    for verb, status, state in (('stop', 'SHUTOFF', 'Shutdown'), ('start', 'ACTIVE', 'Running'), ('pause', 'PAUSED', 'Paused'), ('unpause', 'ACTIVE', 'Running'), ('suspend', 'SUSPENDED', 'Suspended'),
                                ('resume', 'ACTIVE', 'Running'), ('rescue', 'RESCUE', 'Running'), ('unrescue', 'ACTIVE', 'Running'), ('shelve', 'SHELVED_OFFLOADED', 'NOSTATE'),
                                ('unshelve', 'ACTIVE', 'Running')):
        osc.run('server', verb, 'runner', user=USER)
        until(osc, status, state)
    osc.run('server', 'lock', 'runner', user=USER)
    holds(osc.run('server', 'stop', 'runner', user=USER, fails=True).err, 'is locked (HTTP 409)')
    osc.run('server', 'unlock', 'runner', user=USER)


@check
def images(osc):
    """image create --file, set, save, delete; server image create --wait; server rebuild --wait; console log show"""
    with tempfile.TemporaryDirectory() as folder:
        brought, saved = os.path.join(folder, 'brought'), os.path.join(folder, 'saved')
        with open(brought, 'wb') as file:
            file.write(os.urandom(70000))
        made = osc.run('image', 'create', '--disk-format', 'raw', '--container-format', 'bare', '--property', 'purpose=test', '--file', brought, 'brought', user=USER).properties()
        equal((made['name'], made['disk_format'], made['container_format']), ('brought', 'raw', 'bare'))
        shown = osc.run('image', 'show', 'brought', user=USER).properties()
        equal((shown['status'], shown['size'], shown['visibility']), ('active', '70000', 'shared'))
        holds(shown['properties'], "purpose='test'")
        osc.run('image', 'save', '--file', saved, 'brought', user=USER)
        with open(brought, 'rb') as one, open(saved, 'rb') as other:
            equal(one.read() == other.read(), True)
    osc.run('image', 'set', '--name', 'renamed', '--protected', 'brought', user=USER)
    osc.run('image', 'delete', 'renamed', user=USER, fails=True)
    osc.run('image', 'set', '--unprotected', 'renamed', user=USER)
    osc.run('image', 'delete', 'renamed', user=USER)
    osc.run('image', 'show', 'renamed', user=USER, fails=True)
    osc.run('server', 'image', 'create', '--wait', '--name', 'snap', 'runner', user=USER)
    holds(osc.run('image', 'show', 'snap', user=USER).properties()['properties'], "image_type='snapshot'")
    osc.run('server', 'rebuild', '--wait', '--image', 'snap', 'runner', user=USER)
    holds(server(osc)['image'], 'snap (')
    equal(osc.run('console', 'log', 'show', 'runner', user=USER).out.strip() != '', True)
    osc.run('server', 'delete', '--wait', 'runner', user=USER)
