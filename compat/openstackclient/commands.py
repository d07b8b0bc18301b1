"""The commands of python-openstackclient 6 and scripts of openstacksdk, and what each prints and returns. Usage: commands.py READY-FILE (of compat/serve.sh)."""
import json
import os
import re
import subprocess
import sys
import tempfile

import openstackclient.shell

# Read here once what the client would read anew for each command.
import glanceclient.v2.client  # noqa: F401
import keystoneclient.v3.client  # noqa: F401
import novaclient.v2.client  # noqa: F401
import openstackclient.compute.v2.server  # noqa: F401
import openstackclient.image.v2.image  # noqa: F401

import administration
import groups
import guests
import hosts
import logins
import sdk
from session import Checks, Mismatch, Session, equal, holds

CHECKS = Checks()
check = CHECKS.check
FLAVORS = [('1', 'm1.tiny', '512', '1', '1'), ('2', 'm1.small', '2048', '20', '1'), ('3', 'm1.medium', '4096', '40', '2'), ('4', 'm1.large', '8192', '80', '4'), ('5', 'm1.xlarge', '16384', '160', '8')]


def server(osc, name, user='user1'):
    return osc.run('server', 'show', name, user=user).properties()


def until_status(osc, name, status):
    osc.until(lambda: server(osc, name)['status'], lambda found: found == status)


@check
def discovery(osc):
    """catalog list, versions show, token issue"""
    catalog = osc.run('catalog', 'list').out
    for name in 'compute', 'compute_legacy', 'nova_v11', 'image', 'identity':
        holds(catalog, f'| {name} ')
    versions = osc.run('versions', 'show', '--service', 'compute').table()
    equal([(v['Version'], v['Status'], v['Max Microversion']) for v in versions], [('1.1', 'SUPPORTED', 'None'), ('2.0', 'SUPPORTED', 'None'), ('2.1', 'CURRENT', '2.1')])
    equal(osc.run('token', 'issue').properties()['project_id'], osc.tenant('user1'))


@check
def flavors(osc):
    """flavor list, flavor show"""
    equal([(f['ID'], f['Name'], f['RAM'], f['Disk'], f['VCPUs']) for f in osc.run('flavor', 'list').table()], FLAVORS)
    for flavor in 'm1.large', '4':
        shown = osc.run('flavor', 'show', flavor).properties()
        equal((shown['id'], shown['name'], shown['ram'], shown['disk'], shown['vcpus'], shown['os-flavor-access:is_public']), ('4', 'm1.large', '8192', '80', '4', 'True'))
    holds(osc.run('flavor', 'show', 'none', fails=True).err, 'No Flavor found for none')


@check
def images(osc):
    """image list, image show"""
    equal(sorted((i['ID'], i['Name'], i['Status']) for i in osc.run('image', 'list').table()), sorted((i['id'], i['name'], 'active') for i in osc.ready['images']))
    equal(osc.run('image', 'show', 'journal').properties()['id'], osc.ready['images'][0]['id'])


@check
def keypairs(osc):
    """keypair create, made here and brought along; keypair list, show, delete"""
    with tempfile.TemporaryDirectory() as folder:
        private, own = os.path.join(folder, 'made'), os.path.join(folder, 'own')
        osc.run('keypair', 'create', '--private-key', private, 'made')
        os.chmod(private, 0o600)
        fingerprint = subprocess.run(['ssh-keygen', '-l', '-E', 'md5', '-f', private], check=True, capture_output=True, text=True).stdout.split()[1].removeprefix('MD5:')
        subprocess.run(['ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-C', 'brought', '-f', own], check=True)
        brought = osc.run('keypair', 'create', '--public-key', own + '.pub', 'own').properties()
        equal((brought['name'], brought['type']), ('own', 'ssh'))
        with open(own + '.pub', encoding='ascii') as file:
            equal(osc.run('keypair', 'show', '--public-key', 'own').out.strip(), file.read().strip())
    equal([(k['Name'], k['Fingerprint']) for k in osc.run('keypair', 'list').table()], [('made', fingerprint), ('own', brought['fingerprint'])])
    equal(osc.run('keypair', 'show', 'made').properties()['fingerprint'], fingerprint)
    equal(osc.run('keypair', 'list', user='user2').out.strip(), '')
    osc.run('keypair', 'delete', 'made')
    equal([k['Name'] for k in osc.run('keypair', 'list').table()], ['own'])
    osc.run('keypair', 'show', 'made', fails=True)


@check
def create(osc):
    """server create --wait with properties, key, file, user data; server show, server list"""
    with tempfile.NamedTemporaryFile('w') as file:
        file.write('hello')
        file.flush()
        created = osc.run('server', 'create', '--flavor', 'm1.tiny', '--image', 'journal', '--property', 'purpose=test', '--key-name', 'own', '--file', f'/etc/motd={file.name}', '--user-data', file.name,
                          '--wait', 'guest').properties()
    equal((created['name'], created['status'], created['flavor'], created['image'], created['key_name'], created['properties'], created['OS-EXT-STS:power_state']),
          ('guest', 'ACTIVE', 'm1.tiny (1)', f"journal ({osc.ready['images'][0]['id']})", 'own', "purpose='test'", 'Running'))
    equal(len(created['adminPass']), 12)
    shown = server(osc, 'guest')
    equal((shown['id'], shown['status'], shown['project_id'], shown['security_groups'], shown['progress']), (created['id'], 'ACTIVE', osc.tenant('user1'), "name='default'", '100'))
    row = osc.run('server', 'list').row(ID=created['id'])
    equal((row['Name'], row['Status'], row['Networks'], row['Image'], row['Flavor']), ('guest', 'ACTIVE', shown['addresses'], 'journal', 'm1.tiny'))
    row = osc.run('server', 'list', '--long').row(ID=created['id'])
    equal((row['Task State'], row['Power State'], row['Flavor ID'], row['Image Name']), ('None', 'Running', '1', 'journal'))
    holds(osc.run('server', 'show', 'guest', user='user2', fails=True).err, "No server with a name or ID of 'guest' exists.")


@check
def lists(osc):
    """server create --min --max; server list with filters and pages"""
    osc.run('server', 'create', '--flavor', '1', '--image', 'journal-small', '--min', '2', '--max', '2', 'twin')
    names = lambda *options, user='user1': [r['Name'] for r in json.loads(osc.run('server', 'list', '-f', 'json', *options, user=user).out)]
    osc.until(lambda: names('--status', 'ACTIVE'), lambda found: len(found) == 3)
    equal(sorted(set(names('--name', '^twin'))), ['twin'])
    equal(len(names('--limit', '2')), 2)
    equal(names('--flavor', 'm1.large'), [])
    equal(names('--image', 'journal'), ['guest'])
    equal(names('--status', 'ERROR'), [])
    equal(names(user='user2'), [])
    equal(sorted(names('--all-projects', user='admin')), ['guest', 'twin', 'twin'])
    first = json.loads(osc.run('server', 'list', '-f', 'json', '--limit', '1').out)[0]['ID']
    equal(len(json.loads(osc.run('server', 'list', '-f', 'json', '--marker', first).out)), 2)
    osc.run('server', 'delete', '--wait', *[r['ID'] for r in json.loads(osc.run('server', 'list', '-f', 'json', '--name', 'twin').out)])
    equal(names(), ['guest'])


@check
def change(osc):
    """server set and unset"""
    osc.run('server', 'set', '--property', 'colour=blue', '--name', 'renamed', 'guest')
    equal(server(osc, 'renamed')['properties'], "colour='blue', purpose='test'")
    osc.run('server', 'unset', '--property', 'colour', 'renamed')
    osc.run('server', 'set', '--name', 'guest', 'renamed')
    equal(server(osc, 'guest')['properties'], "purpose='test'")


@check
def resize(osc):
    """server resize --wait, confirm, revert; server migration list, server event list and show"""
    uuid = server(osc, 'guest')['id']
    holds(osc.run('server', 'resize', '--flavor', 'm1.small', '--wait', 'guest').out, 'Complete')
    equal(server(osc, 'guest')['status'], 'VERIFY_RESIZE')
    osc.run('server', 'resize', 'confirm', 'guest')
    until_status(osc, 'guest', 'ACTIVE')
    equal(server(osc, 'guest')['flavor'], 'm1.small (2)')
    osc.run('server', 'resize', '--flavor', 'm1.medium', '--wait', 'guest')
    osc.run('server', 'resize', 'revert', 'guest')
    until_status(osc, 'guest', 'ACTIVE')
    equal(server(osc, 'guest')['flavor'], 'm1.small (2)')
    rows = osc.run('server', 'migration', 'list', '--server', uuid, user='admin').table()
    equal(sorted((r['Status'], r['Old Flavor'], r['New Flavor'], r['Server UUID']) for r in rows), [('confirmed', '1', '2', uuid), ('reverted', '2', '3', uuid)])
    events = osc.run('server', 'event', 'list', 'guest').table()
    equal(sorted(e['Action'] for e in events), ['confirmResize', 'create', 'resize', 'resize', 'revertResize'])
    one = next(e for e in events if e['Action'] == 'create')
    equal(osc.run('server', 'event', 'show', 'guest', one['Request ID']).properties()['action'], 'create')
    osc.run('server', 'migrate', '--wait', uuid, fails=True)
    holds(osc.run('server', 'migrate', '--wait', uuid, user='admin').out, 'Complete')
    osc.run('server', 'migrate', 'confirm', uuid, user='admin')
    until_status(osc, 'guest', 'ACTIVE')


@check
def reboot(osc):
    """server reboot, soft and hard, with --wait"""
    for kind in '--soft', '--hard':
        holds(osc.run('server', 'reboot', kind, '--wait', 'guest').out, 'Complete')
        equal(server(osc, 'guest')['status'], 'ACTIVE')


@check
def limits(osc):
    """limits show, quota show"""
    shown = {row['Name']: row['Value'] for row in osc.run('limits', 'show', '--absolute').table()}
    equal({k: shown[k] for k in ('maxTotalInstances', 'maxTotalCores', 'maxTotalRAMSize', 'maxPersonality', 'maxPersonalitySize', 'maxTotalKeypairs', 'totalInstancesUsed', 'totalRAMUsed')},
          {'maxTotalInstances': '10', 'maxTotalCores': '20', 'maxTotalRAMSize': '51200', 'maxPersonality': '5', 'maxPersonalitySize': '10240', 'maxTotalKeypairs': '100', 'totalInstancesUsed': '1',
           'totalRAMUsed': '2048'})
    quota = osc.run('quota', 'show').out
    for name, value in ('instances', '10'), ('cores', '20'), ('ram', '51200'):
        if not re.search(rf'\| {name} +\| {value} +\|', quota):
            raise Mismatch(f'{name} is not {value}:\n{quota}')


@check
def hypervisors(osc):
    """compute service list, hypervisor list, hypervisor show, availability zone list --compute"""
    services = [s for s in osc.run('compute', 'service', 'list', user='admin').table() if s['Binary'] == 'nova-compute']
    equal(sorted((s['Host'], s['Zone'], s['Status'], s['State']) for s in services), [(h, 'nova', 'enabled', 'up') for h in ('host1', 'host2')])
    equal(sorted((h['Hypervisor Hostname'], h['Hypervisor Type'], h['State']) for h in osc.run('hypervisor', 'list', user='admin').table() if h), sorted((s['Host'], kind(osc), 'up') for s in services))
    equal([(z['Zone Name'], z['Zone Status']) for z in osc.run('availability', 'zone', 'list', '--compute').table()], [('nova', 'available')])
    osc.run('hypervisor', 'list', fails=True)


def kind(osc):
    return json.loads(osc.run('hypervisor', 'list', '-f', 'json', user='admin').out)[0]['Hypervisor Type']


@check
def absent(osc):
    """server volume list, and a network that there is not"""
    equal(osc.run('server', 'volume', 'list', 'guest').out.strip(), '')
    osc.run('server', 'create', '--flavor', '1', '--image', 'journal', '--nic', 'net-id=6c8fe9a5-3c8f-4c2e-8c7b-2f51a4a9d4a1', 'elsewhere', fails=True)


@check
def program(osc):
    """the program /usr/bin/openstack itself: a table, and an exit status"""
    environment = {**{k: v for k, v in os.environ.items() if not k.startswith('OS_')}, **osc.environment('user1')}
    equal([s['Name'] for s in json.loads(subprocess.run(['/usr/bin/openstack', 'server', 'list', '-f', 'json'], env=environment, capture_output=True, text=True, check=True).stdout)], ['guest'])
    equal(subprocess.run(['/usr/bin/openstack', 'server', 'show', 'nobody'], env=environment, capture_output=True, text=True, check=False).returncode, 1)


@check
def delete(osc):
    """server delete --wait"""
    osc.run('server', 'delete', '--wait', 'guest')
    equal(osc.run('server', 'list').out.strip(), '')
    holds(osc.run('server', 'show', 'guest', fails=True).err, "No server with a name or ID of 'guest' exists.")


def main():
    osc = Session(sys.argv[1], openstackclient.shell.main, 'openstack')
    for test in CHECKS + groups.CHECKS + guests.CHECKS + administration.CHECKS + hosts.CHECKS + logins.CHECKS + sdk.CHECKS:
        osc.check(test.__doc__, test)
    return osc.finish()


if __name__ == '__main__':
    sys.exit(main())
