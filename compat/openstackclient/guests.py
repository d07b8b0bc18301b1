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
    """server stop, start, pause, unpause, suspend, resume, lock, unlock, rescue, unrescue, shelve, unshelve, set --state and --password, show --diagnostics"""
    osc.run('server', 'create', '--flavor', 'm1.tiny', '--image', 'journal', '--wait', 'runner', user=USER)
    for verb, status, state in (('stop', 'SHUTOFF', 'Shutdown'), ('start', 'ACTIVE', 'Running'), ('pause', 'PAUSED', 'Paused'), ('unpause', 'ACTIVE', 'Running'), ('suspend', 'SUSPENDED', 'Suspended'),
                                ('resume', 'ACTIVE', 'Running'), ('rescue', 'RESCUE', 'Running'), ('unrescue', 'ACTIVE', 'Running'), ('shelve', 'SHELVED_OFFLOADED', 'NOSTATE'),
                                ('unshelve', 'ACTIVE', 'Running')):
        osc.run('server', verb, 'runner', user=USER)
        until(osc, status, state)
    osc.run('server', 'lock', 'runner', user=USER)
    holds(osc.run('server', 'stop', 'runner', user=USER, fails=True).err, 'is locked (HTTP 409)')
    osc.run('server', 'unlock', 'runner', user=USER)
    uuid = server(osc)['id']
    osc.run('server', 'set', '--state', 'error', uuid, user='admin')
    equal(server(osc)['status'], 'ERROR')
    osc.run('server', 'set', '--state', 'active', uuid, user='admin')
    equal(server(osc)['status'], 'ACTIVE')
    osc.run('server', 'set', '--password', 'chosen', 'runner', user=USER)
    until(osc, 'ACTIVE', 'Running')
    equal([e['Action'] for e in osc.run('server', 'event', 'list', 'runner', user=USER).table()].count('changePassword'), 1)
    holds(osc.run('server', 'show', '--diagnostics', 'runner', user=USER, fails=True).err, '(HTTP 403)')
    equal(osc.run('server', 'show', '--diagnostics', uuid, user='admin').table() != [], True)


@check
def images(osc):
    """image create --file, set, save, delete; server image create, server backup create and its rotation, server rebuild, each with --wait; console log show, server dump create"""
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
    snap = osc.run('server', 'image', 'create', '--wait', '--name', 'snap', '--property', 'purpose=test', 'runner', user=USER).properties()
    equal((snap['name'], snap['status'], snap['visibility']), ('snap', 'active', 'private'))
    for part in "image_type='snapshot'", "purpose='test'", f"instance_uuid='{server(osc)['id']}'":
        holds(osc.run('image', 'show', 'snap', user=USER).properties()['properties'], part)
    for name in 'first', 'second':
        kept = osc.run('server', 'backup', 'create', '--name', name, '--type', 'daily', '--rotate', '1', '--wait', 'runner', user=USER).properties()
        equal(kept['name'], name)
        for part in "image_type='backup'", "backup_type='daily'":
            holds(kept['properties'], part)
        until(osc, 'ACTIVE', 'Running')
    equal(sorted(i['Name'] for i in osc.run('image', 'list', '--private', user=USER).table()), ['second', 'snap'])
    osc.run('server', 'rebuild', '--wait', '--image', 'snap', 'runner', user=USER)
    holds(server(osc)['image'], 'snap (')
    whole = osc.run('console', 'log', 'show', 'runner', user=USER).out
    equal(whole.strip() != '', True)
    last = osc.run('console', 'log', 'show', '--lines', '2', 'runner', user=USER).out
    equal((last.strip() != '', whole.rstrip('\n').endswith(last.rstrip('\n')), len(last.splitlines()) <= 2), (True, True, True), last)
    holds(osc.run('console', 'url', 'show', 'runner', user=USER, fails=True).err, 'Unavailable console type novnc.')
    holds(osc.run('server', 'dump', 'create', 'runner', user=USER, fails=True).err, "API version '2.1' is not supported")
    osc.run('server', 'delete', '--wait', 'runner', user=USER)
