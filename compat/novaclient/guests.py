"""What a user does to a server, an image and a group with python-novaclient, and what it prints."""
import re

from session import Checks, equal, holds

CHECKS = Checks()
check = CHECKS.check
USER = 'user3'


def server(nova, name='runner'):
    return nova.run('show', name, user=USER).properties()


def until(nova, status, power, name='runner'):
    """Waits until the server is shown so, and idle; then the list must say the same."""
    nova.until(lambda: [server(nova, name)[key] for key in ('status', 'OS-EXT-STS:task_state', 'OS-EXT-STS:power_state')][:2], lambda found: found == [status, '-'])
    row = nova.run('list', '--name', f'^{name}$', user=USER).row(Name=name)
    equal((row['Status'], row['Task State'], row['Power State']), (status, '-', power))


@check
def stop(nova):
    """stop and start, each of two servers"""
    for name in 'runner', 'other':
        nova.run('boot', '--flavor', 'm1.tiny', '--image', 'journal', '--poll', name, user=USER)
    for verb, status, power in ('stop', 'SHUTOFF', 'Shutdown'), ('start', 'ACTIVE', 'Running'):
        out = nova.run(verb, 'runner', 'other', user=USER).out
        for name in 'runner', 'other':
            holds(out, f'Request to {verb} server {name} has been accepted.')
            until(nova, status, power, name)
    holds(nova.run('start', 'runner', user=USER, fails=True).err, 'Unable to start the specified server(s).')
    nova.run('force-delete', 'other', user=USER)
    nova.until(lambda: [r['Name'] for r in nova.run('list', user=USER).table()], lambda found: found == ['runner'])


@check
def pause(nova):
    """pause, unpause, suspend, resume"""
    for verb, status, power in ('pause', 'PAUSED', 'Paused'), ('unpause', 'ACTIVE', 'Running'), ('suspend', 'SUSPENDED', 'Suspended'), ('resume', 'ACTIVE', 'Running'):
        equal(nova.run(verb, 'runner', user=USER).out.strip(), '')
        until(nova, status, power)
    holds(nova.run('resume', 'runner', user=USER, fails=True).err, "Cannot 'resume' instance")


@check
def lock(nova):
    """lock and unlock, of the owner and of an administrator"""
    uuid = server(nova)['id']
    nova.run('lock', 'runner', user=USER)
    holds(nova.run('stop', 'runner', user=USER, fails=True).out, f'Instance {uuid} is locked (HTTP 409)')
    nova.run('unlock', 'runner', user=USER)
    nova.run('lock', uuid, user='admin')
    holds(nova.run('unlock', 'runner', user=USER, fails=True).err, '(HTTP 403)')
    nova.run('unlock', uuid, user='admin')
    nova.run('reboot', '--poll', 'runner', user=USER)


@check
def rescue(nova):
    """rescue with a password, with one made here, and with another image; unrescue"""
    equal(nova.run('rescue', '--password', 'chosen', 'runner', user=USER).properties(), {'adminPass': 'chosen'})
    until(nova, 'RESCUE', 'Running')
    nova.run('unrescue', 'runner', user=USER)
    until(nova, 'ACTIVE', 'Running')
    equal(len(nova.run('rescue', '--image', 'journal-small', 'runner', user=USER).properties()['adminPass']), 12)
    until(nova, 'RESCUE', 'Running')
    nova.run('unrescue', 'runner', user=USER)
    until(nova, 'ACTIVE', 'Running')


@check
def shelve(nova):
    """shelve and unshelve"""
    nova.run('shelve', 'runner', user=USER)
    until(nova, 'SHELVED_OFFLOADED', 'NOSTATE')
    holds(nova.run('shelve-offload', 'runner', user=USER, fails=True).err, '(HTTP 403)')
    nova.run('unshelve', 'runner', user=USER)
    until(nova, 'ACTIVE', 'Running')


@check
def console(nova):
    """console-log, diagnostics, get-password, clear-password, get-vnc-console and its like"""
    whole = nova.run('console-log', 'runner', user=USER).out
    if not re.search(r'\S', whole):
        raise AssertionError('the console is empty')
    equal(nova.run('console-log', '--length', '2', 'runner', user=USER).out, '\n'.join(whole.removesuffix('\n').split('\n')[-2:]) + '\n')
    holds(nova.run('diagnostics', 'runner', user=USER, fails=True).err, '(HTTP 403)')
    equal(all(re.match(r'^-?[\d.]+(e[+-]?\d+)?$', v) for v in nova.run('diagnostics', server(nova)['id'], user='admin').properties().values()), True)
    nova.run('clear-password', 'runner', user=USER)
    equal(nova.run('get-password', 'runner', user=USER).out.strip(), '')
    for command, kind in ('get-vnc-console', 'novnc'), ('get-spice-console', 'spice-html5'), ('get-rdp-console', 'rdp-html5'):
        holds(nova.run(command, 'runner', kind, user=USER, fails=True).err, f'Unavailable console type {kind}. (HTTP 400)')
    holds(nova.run('get-serial-console', 'runner', user=USER, fails=True).err, 'Unavailable console type serial. (HTTP 400)')


@check
def image(nova):
    """image-create --poll --show with metadata; boot from it; backup with its rotation"""
    uuid = server(nova)['id']
    printed = nova.run('image-create', '--metadata', 'purpose=test', '--poll', '--show', 'runner', 'snap', user=USER)
    holds(printed.out, 'Finished')
    shown = printed.properties()
    equal([shown[key] for key in ('name', 'status', 'image_type', 'instance_uuid', 'base_image_ref', 'purpose', 'visibility')],
          ['snap', 'active', 'snapshot', uuid, nova.ready['images'][0]['id'], 'test', 'private'])
    nova.run('boot', '--flavor', 'm1.tiny', '--image', 'snap', '--poll', 'copy', user=USER)
    equal(server(nova, 'copy')['image'], f"snap ({shown['id']})")
    holds(nova.run('boot', '--flavor', 'm1.tiny', '--image', 'snap', 'theirs', user='user2', fails=True).err, 'No Image matching snap.')
    nova.run('delete', 'copy', user=USER)
    for name in 'first', 'second':
        equal(nova.run('backup', 'runner', name, 'daily', '1', user=USER).out.strip(), '')
        until(nova, 'ACTIVE', 'Running')
    actions = [a['Action'] for a in nova.run('instance-action-list', 'runner', user=USER).table()]
    equal((actions.count('createImage'), actions.count('createBackup')), (1, 2))


@check
def rebuild(nova):
    """rebuild --poll with another image, name, metadata and password"""
    printed = nova.run('rebuild', '--poll', '--name', 'rebuilt', '--meta', 'a=b', '--rebuild-password', 'chosen', 'runner', 'journal-small', user=USER)
    holds(printed.out, 'Finished')
    shown = printed.properties()
    equal((shown['name'], shown['adminPass'], shown['image'], shown['metadata'], shown['status']), ('rebuilt', 'chosen', f"journal-small ({nova.ready['images'][1]['id']})", '{"a": "b"}', 'REBUILD'))
    until(nova, 'ACTIVE', 'Running', 'rebuilt')
    nova.run('update', '--name', 'runner', 'rebuilt', user=USER)


@check
def security_groups(nova):
    """list-secgroup, remove-secgroup, add-secgroup"""
    row = nova.run('list-secgroup', 'runner', user=USER).row(Name='default')
    equal(row['Description'], 'default')
    nova.run('remove-secgroup', 'runner', 'default', user=USER)
    equal(nova.run('list-secgroup', 'runner', user=USER).table(), [])
    equal('security_groups' in server(nova), False)
    nova.run('add-secgroup', 'runner', 'default', user=USER)
    equal(server(nova)['security_groups'], 'default')
    holds(nova.run('add-secgroup', 'runner', 'nowhere', user=USER, fails=True).err, 'Security group nowhere not found for project')


@check
def server_groups(nova):
    """server-group-create, list, get, delete; boot with the hint of one"""
    made = nova.run('server-group-create', 'apart', 'anti-affinity', user=USER).row(Name='apart')
    equal((made['Policies'], made['Members'], made['Metadata']), ("['anti-affinity']", '[]', '{}'))
    hosts = set()
    for name in 'left', 'right':
        nova.run('boot', '--flavor', 'm1.tiny', '--image', 'journal', '--hint', f"group={made['Id']}", '--poll', name, user=USER)
        hosts.add(nova.run('show', server(nova, name)['id'], user='admin').properties()['OS-EXT-SRV-ATTR:host'])
    equal(hosts, {'host1', 'host2'})
    equal(sorted(re.findall(r"'([^']+)'", nova.run('server-group-get', made['Id'], user=USER).row(Id=made['Id'])['Members'])), sorted(server(nova, name)['id'] for name in ('left', 'right')))
    equal([g['Name'] for g in nova.run('server-group-list', user=USER).table()], ['apart'])
    equal(nova.run('server-group-list', user='user2').table(), [])
    equal([g['Id'] for g in nova.run('server-group-list', '--all-projects', user='admin').table()], [made['Id']])
    nova.run('delete', 'left', 'right', user=USER)
    holds(nova.run('server-group-delete', made['Id'], user=USER).out, 'has been successfully deleted.')
    equal(nova.run('server-group-list', user=USER).table(), [])


@check
def usage(nova):
    """usage and usage-list"""
    row = nova.run('usage', user=USER).table()[0]
    equal((int(row['Servers']) >= 1, float(row['RAM MiB-Hours']) > 0, float(row['CPU Hours']) >= 0), (True, True, True))
    holds(nova.run('usage', '--start', '2011-01-01', '--end', '2011-02-01', user=USER).out, 'Usage from 2011-01-01 to 2011-02-01:\nNone')
    nova.run('usage-list', user=USER, fails=True)
    listed = nova.run('usage-list', user='admin').row(Tenant_ID=nova.tenant(USER))
    equal(listed['Servers'] >= '1', True)
    nova.run('delete', 'runner', user=USER)
    nova.until(lambda: nova.run('list', user=USER).table(), lambda found: found == [])
