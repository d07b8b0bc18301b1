"""The commands of python-novaclient 18, and what each prints. Usage: commands.py READY-FILE (of compat/serve.sh)."""
import json
import os
import re
import subprocess
import sys
import tempfile

import novaclient.shell

# Read here once what the client would read anew for each command.
import novaclient.v2.client  # noqa: F401

import administration
import guests
import hosts
import logins
from session import Checks, Mismatch, Session, equal, holds

UUID = re.compile('^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$')
MOMENT = re.compile(r'^20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z?$')
CHECKS = Checks()
check = CHECKS.check


def matches(pattern, text):
    if not pattern.search(text):
        raise Mismatch(f'{text!r} does not match {pattern.pattern}')


def server(nova, name, user='user1'):
    return nova.run('show', name, user=user).properties()


def until_status(nova, name, status):
    nova.until(lambda: server(nova, name)['status'], lambda found: found == status)


@check
def versions(nova):
    """version-list"""
    printed = nova.run('version-list')
    equal([(v['Id'], v['Status'], v['Min Version'], v['Version']) for v in printed.table()],
          [('v2.0', 'SUPPORTED', '', ''), ('v2.1', 'CURRENT', '2.1', '2.1'), ('v1.1', 'SUPPORTED', '', '')])


@check
def flavors(nova):
    """flavor-list with its flags, flavor-show by name and by id"""
    wanted = [('1', 'm1.tiny', '512', '1', '1'), ('2', 'm1.small', '2048', '20', '1'), ('3', 'm1.medium', '4096', '40', '2'), ('4', 'm1.large', '8192', '80', '4'), ('5', 'm1.xlarge', '16384', '160', '8')]
    for options in [], ['--all']:
        printed = nova.run('flavor-list', *options, user='admin').table()
        equal([(f['ID'], f['Name'], f['Memory_MiB'], f['Disk'], f['VCPUs']) for f in printed], wanted)
        equal({(f['Ephemeral'], f['Swap'], f['RXTX_Factor'], f['Is_Public']) for f in printed}, {('0', '', '1.0', 'True')})
    equal([f['Name'] for f in nova.run('flavor-list', '--min-ram', '4096', '--sort-key', 'memory_mb', '--sort-dir', 'desc', '--limit', '2').table()], ['m1.xlarge', 'm1.large'])
    equal([f['Name'] for f in nova.run('flavor-list', '--min-disk', '41', '--marker', '4').table()], ['m1.xlarge'])
    for flavor in 'm1.medium', '3':
        shown = nova.run('flavor-show', flavor).properties()
        equal((shown['id'], shown['name'], shown['ram'], shown['disk'], shown['vcpus'], shown['extra_specs']), ('3', 'm1.medium', '4096', '40', '2', '{}'))
    holds(nova.run('flavor-show', 'm1.none', fails=True).err, "No flavor with a name or ID of 'm1.none' exists.")


@check
def limits(nova):
    """limits, of another tenant, too; quota-show"""
    text = nova.run('limits', user='user5').out
    for line in 'Cores +| 0 +| 20', 'Instances +| 0 +| 10', 'RAM +| 0 +| 51200', 'Personality +| - +| 5', 'Server Meta +| - +| 128', 'Keypairs +| - +| 100':
        matches(re.compile(re.escape(line).replace(r'\ \+', ' +')), text)
    matches(re.compile(r'Cores +\| 0 +\| 20'), nova.run('limits', '--tenant', nova.tenant('user5'), user='admin').out)
    holds(nova.run('limits', '--tenant', nova.tenant('user5'), fails=True).err, '(HTTP 403)')
    shown = nova.run('quota-show', user='user5').properties()
    equal((shown['instances'], shown['cores'], shown['ram'], shown['metadata_items']), ('10', '20', '51200', '128'))


@check
def zones(nova):
    """availability-zone-list, of a user and of an administrator"""
    equal([(z['Name'], z['Status']) for z in nova.run('availability-zone-list').table()], [('nova', 'available')])
    detailed = nova.run('availability-zone-list', user='admin').out
    for host in 'host1', 'host2':
        holds(detailed, f'|- {host} ')
    equal(len(re.findall(r'nova-compute +\| enabled :-\) 20', detailed)), 2)


@check
def keypairs(nova):
    """keypair-add made here and brought along, keypair-list, keypair-show, keypair-delete"""
    with tempfile.TemporaryDirectory() as folder:
        private = os.path.join(folder, 'made')
        made = nova.run('keypair-add', 'made').out
        with open(os.open(private, os.O_CREAT | os.O_WRONLY, 0o600), 'w', encoding='ascii') as file:
            file.write(made.strip() + '\n')
        fingerprint = subprocess.run(['ssh-keygen', '-l', '-E', 'md5', '-f', private], check=True, capture_output=True, text=True).stdout.split()[1].removeprefix('MD5:')
        equal(nova.run('keypair-list').row(Name='made')['Fingerprint'], fingerprint)
        subprocess.run(['ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-C', 'brought', '-f', os.path.join(folder, 'own')], check=True)
        nova.run('keypair-add', '--pub-key', os.path.join(folder, 'own.pub'), 'own')
        with open(os.path.join(folder, 'own.pub'), encoding='ascii') as file:
            holds(nova.run('keypair-show', 'own').out, f'Public key: {file.read().strip()}')
        shown = nova.run('keypair-show', 'made').properties()
        equal((shown['name'], shown['fingerprint'], shown['deleted']), ('made', fingerprint, 'False'))
        matches(MOMENT, shown['created_at'])
    equal([k['Name'] for k in nova.run('keypair-list').table()], ['made', 'own'])
    equal(nova.run('keypair-list', user='user2').table(), [])
    holds(nova.run('keypair-add', 'own', fails=True).err, "Key pair 'own' already exists. (HTTP 409)")
    nova.run('keypair-delete', 'made')
    equal([k['Name'] for k in nova.run('keypair-list').table()], ['own'])
    holds(nova.run('keypair-delete', 'made', fails=True).err, "No keypair with a name or ID of 'made' exists.")


@check
def boot(nova):
    """boot --poll with metadata, key, files, user data, zone, password, config drive, addresses and group; show; list"""
    with tempfile.NamedTemporaryFile('w') as file:
        file.write('hello')
        file.flush()
        printed = nova.run('boot', '--flavor', 'm1.tiny', '--image', 'journal', '--meta', 'purpose=test', '--key-name', 'own', '--file', f'/etc/motd={file.name}', '--user-data', file.name,
                           '--availability-zone', 'nova', '--admin-pass', 'chosen', '--config-drive', 'true', '--access-ip-v4', '192.0.2.7', '--access-ip-v6', '2001:db8::7',
                           '--security-groups', 'default', '--poll', 'guest')
    holds(printed.out, 'Finished')
    created = printed.properties()
    equal((created['name'], created['adminPass'], created['status'], created['flavor'], created['key_name']), ('guest', 'chosen', 'BUILD', 'm1.tiny (1)', 'own'))
    shown = server(nova, 'guest')
    equal((shown['id'], shown['status'], shown['metadata'], shown['key_name'], shown['OS-EXT-STS:vm_state'], shown['OS-EXT-STS:task_state'], shown['OS-EXT-STS:power_state'], shown['progress']),
          (created['id'], 'ACTIVE', '{"purpose": "test"}', 'own', 'active', '-', '1', '100'))
    equal((shown['flavor'], shown['image'], shown['security_groups'], shown['OS-EXT-AZ:availability_zone']), ('m1.tiny (1)', f"journal ({nova.ready['images'][0]['id']})", 'default', 'nova'))
    equal((shown['config_drive'], shown['accessIPv4'], shown['accessIPv6']), ('True', '192.0.2.7', '2001:db8::7'))
    matches(UUID, shown['id'])
    for moment in 'created', 'updated', 'OS-SRV-USG:launched_at':
        matches(MOMENT, shown[moment])
    least = nova.run('show', '--minimal', 'guest').properties()
    equal({k: (least[k], v) for k, v in shown.items() if least[k] != v}, {'flavor': ('1', 'm1.tiny (1)'), 'image': (nova.ready['images'][0]['id'], shown['image'])})
    row = nova.run('list').row(Name='guest')
    equal((row['ID'], row['Status'], row['Task State'], row['Power State'], row['Networks']), (shown['id'], 'ACTIVE', '-', 'Running', f"private={shown['private network']}"))
    holds(nova.run('boot', '--flavor', 'm1.tiny', '--image', 'journal', '--key-name', 'nobody', 'keyless', fails=True).err, 'Invalid key_name provided. (HTTP 400)')
    holds(nova.run('boot', '--flavor', 'm1.tiny', '--image', 'journal', '--availability-zone', 'nowhere', 'placeless', fails=True).err, 'The requested availability zone is not available (HTTP 400)')
    holds(nova.run('show', '5', fails=True).err, "No server with a name or ID of '5' exists.")
    holds(nova.run('show', 'guest', user='user2', fails=True).err, "No server with a name or ID of 'guest' exists.")
    holds(nova.run('show', shown['id'], user='user2', fails=True).err, 'exists.')


@check
def lists(nova):
    """boot --min-count; list with its filters, fields, sort and pages"""
    nova.run('boot', '--flavor', '1', '--image', nova.ready['images'][1]['id'], '--min-count', '2', '--max-count', '2', 'twin')
    nova.until(lambda: {r['Status'] for r in nova.run('list').table()}, lambda found: found == {'ACTIVE'})
    rows = nova.run('list', '--name', 'twin').table()
    equal(len(rows), 2)
    names = sorted(r['Name'] for r in rows)
    equal([r['Name'] for r in nova.run('list', '--sort', 'display_name:asc').table()], ['guest', *names])
    equal([r['Name'] for r in nova.run('list', '--sort', 'display_name:desc', '--limit', '1').table()], [names[-1]])
    equal(len(nova.run('list', '--limit', '2').table()), 2)
    first = nova.run('list', '--limit', '1').table()[0]['ID']
    equal(first in {r['ID'] for r in nova.run('list', '--marker', first).table()}, False)
    equal([r['Name'] for r in nova.run('list', '--name', '^gu', '--status', 'ACTIVE').table()], ['guest'])
    equal(nova.run('list', '--status', 'ERROR').table(), [])
    equal(nova.run('list', '--flavor', 'm1.large').table(), [])
    equal(list(nova.run('list', '--minimal', '--flavor', 'm1.tiny').table()[0]), ['ID', 'Name'])
    equal(len(nova.run('list', '--image', 'journal-small').table()), 2)
    shown = server(nova, 'guest')
    fields = nova.run('list', '--fields', 'name,networks,OS-EXT-STS:vm_state,accessIPv4', '--name', 'guest').table()
    equal(fields, [{'ID': shown['id'], 'Name': 'guest', 'Networks': f"private={shown['private network']}", 'OS-EXT-STS: Vm State': 'active', 'accessIPv4': '192.0.2.7'}])
    equal([r['Name'] for r in nova.run('list', '--ip', re.escape(shown['private network']) + '$').table()], ['guest'])
    equal(nova.run('list', '--changes-since', '2100-01-01T00:00:00').table(), [])
    equal(nova.run('list', user='user2').table(), [])
    rows = nova.run('list', '--all-tenants', '--status', 'ACTIVE', '--name', 'guest', user='admin').table()
    equal([(r['Name'], r['Tenant ID']) for r in rows], [('guest', server(nova, 'guest')['tenant_id'])])
    host = nova.run('show', shown['id'], user='admin').properties()['OS-EXT-SRV-ATTR:host']
    for options in ['--tenant', shown['tenant_id'], '--host', host], ['--user', shown['user_id'], '--vm-state', 'active'], ['--key-name', 'own'], ['--config-drive', '--power-state', '1']:
        equal([r['Name'] for r in nova.run('list', '--all-tenants', *options, '--name', 'guest', user='admin').table()], ['guest'])
    for options in ['--tenant', '0' * 32], ['--host', ({'host1', 'host2'} - {host}).pop()], ['--vm-state', 'stopped'], ['--no-config-drive']:
        equal(nova.run('list', '--all-tenants', *options, '--name', 'guest', user='admin').table(), [])
    holds(nova.run('list', '--all-tenants', fails=True).err, '(HTTP 403)')
    gone = [r['ID'] for r in nova.run('list', '--name', 'twin').table()]
    nova.run('delete', *gone)
    nova.until(lambda: [r['Name'] for r in nova.run('list').table()], lambda found: found == ['guest'])
    deleted = nova.run('list', '--all-tenants', '--deleted', '--name', 'twin', user='admin').table()
    equal((sorted(r['ID'] for r in deleted), {r['Status'] for r in deleted}), (sorted(gone), {'DELETED'}))


@check
def meta(nova):
    """meta set and delete; update"""
    nova.run('meta', 'guest', 'set', 'colour=blue', 'size=xl')
    equal(json.loads(server(nova, 'guest')['metadata']), {'purpose': 'test', 'colour': 'blue', 'size': 'xl'})
    nova.run('meta', 'guest', 'delete', 'colour', 'size')
    equal(server(nova, 'guest')['metadata'], '{"purpose": "test"}')
    holds(nova.run('meta', 'guest', 'delete', 'colour', fails=True).err, '(HTTP 404)')
    nova.run('update', '--name', 'renamed', 'guest')
    equal(server(nova, 'renamed')['name'], 'renamed')
    nova.run('update', '--name', 'guest', 'renamed')


@check
def resize(nova):
    """resize --poll, resize-confirm, resize-revert, migration-list, instance-action-list, instance-action"""
    uuid = server(nova, 'guest')['id']
    source = nova.run('show', uuid, user='admin').properties()['OS-EXT-SRV-ATTR:host']
    holds(nova.run('resize', '--poll', 'guest', 'm1.small').out, 'Finished')
    shown = nova.run('show', uuid, user='admin').properties()
    equal((shown['status'], shown['flavor'], shown['OS-EXT-STS:vm_state']), ('VERIFY_RESIZE', 'm1.small (2)', 'resized'))
    equal({source, shown['OS-EXT-SRV-ATTR:host']}, {'host1', 'host2'})
    nova.run('resize-confirm', 'guest')
    until_status(nova, 'guest', 'ACTIVE')
    row = nova.run('migration-list', user='admin').row(Instance_UUID=uuid)
    equal((row['Source Compute'], row['Dest Compute'], row['Status'], row['Old Flavor'], row['New Flavor']), (source, shown['OS-EXT-SRV-ATTR:host'], 'confirmed', '1', '2'))
    equal(len(nova.run('migration-list', '--status', 'confirmed', '--host', source, user='admin').table()), 1)
    equal(nova.run('migration-list', '--status', 'reverted', user='admin').table(), [])
    holds(nova.run('migration-list', fails=True).err, '(HTTP 403)')
    equal(nova.run('resize', 'guest', 'm1.medium').out.strip(), '')
    until_status(nova, 'guest', 'VERIFY_RESIZE')
    nova.run('resize-revert', 'guest')
    until_status(nova, 'guest', 'ACTIVE')
    equal(server(nova, 'guest')['flavor'], 'm1.small (2)')
    actions = nova.run('instance-action-list', 'guest').table()
    equal(sorted(a['Action'] for a in actions), ['confirmResize', 'create', 'resize', 'resize', 'revertResize'])
    one = next(a for a in actions if a['Action'] == 'create')
    shown = nova.run('instance-action', 'guest', one['Request_ID']).properties()
    equal((shown['action'], shown['request_id'], shown['instance_uuid']), ('create', one['Request_ID'], uuid))
    holds(nova.run('resize-confirm', 'guest', fails=True).err, 'Instance has not been resized. (HTTP 409)')
    holds(nova.run('resize', 'guest', 'm1.small', fails=True).err, 'When resizing, instances must change flavor! (HTTP 400)')


@check
def migrate(nova):
    """migrate --poll of an administrator"""
    uuid = server(nova, 'guest')['id']
    before = nova.run('show', uuid, user='admin').properties()['OS-EXT-SRV-ATTR:host']
    holds(nova.run('migrate', uuid, fails=True).err, '(HTTP 403)')
    holds(nova.run('migrate', '--poll', uuid, user='admin').out, 'Finished')
    nova.run('resize-confirm', 'guest')
    until_status(nova, 'guest', 'ACTIVE')
    after = nova.run('show', uuid, user='admin').properties()
    equal((before != after['OS-EXT-SRV-ATTR:host'], after['flavor']), (True, 'm1.small (2)'))


@check
def reboot(nova):
    """reboot and reboot --hard, with --poll"""
    for options in [], ['--hard']:
        holds(nova.run('reboot', *options, '--poll', 'guest').out, 'Finished')
        until_status(nova, 'guest', 'ACTIVE')
    equal([a['Action'] for a in nova.run('instance-action-list', 'guest').table()].count('reboot'), 2)


@check
def reset_state(nova):
    """reset-state, and reset-state --active"""
    uuid = server(nova, 'guest')['id']
    holds(nova.run('reset-state', uuid, user='admin').out, 'succeeded; new state is error')
    equal(server(nova, 'guest')['status'], 'ERROR')
    nova.run('reset-state', '--active', uuid, user='admin')
    equal(server(nova, 'guest')['status'], 'ACTIVE')


@check
def hypervisors(nova):
    """hypervisor-list, hypervisor-show, hypervisor-servers, service-list"""
    equal(sorted((h['Hypervisor hostname'], h['State'], h['Status']) for h in nova.run('hypervisor-list', user='admin').table()), [('host1', 'up', 'enabled'), ('host2', 'up', 'enabled')])
    uuid = server(nova, 'guest')['id']
    host = nova.run('show', uuid, user='admin').properties()['OS-EXT-SRV-ATTR:host']
    shown = nova.run('hypervisor-show', host, user='admin').properties()
    equal((shown['hypervisor_hostname'], shown['running_vms'], shown['vcpus_used'], shown['memory_mb_used'], shown['state']), (host, '1', '1', '2048', 'up'))
    equal([(s['ID'], s['Hypervisor Hostname']) for s in nova.run('hypervisor-servers', host, user='admin').table()], [(uuid, host)])
    services = nova.run('service-list', user='admin').table()
    equal(sorted((s['Binary'], s['Host'], s['Zone'], s['Status'], s['State']) for s in services if s['Binary'] == 'nova-compute'),
          [('nova-compute', h, 'nova', 'enabled', 'up') for h in ('host1', 'host2')])
    for command in ['hypervisor-list'], ['service-list']:
        holds(nova.run(*command, fails=True).err, '(HTTP 403)')


@check
def absent(nova):
    """interface-list, -attach and -detach, volume-attachments, -attach and -detach, restore: what there is no service or no time for"""
    holds(nova.run('interface-list', 'guest', fails=True).err, 'The requested functionality is not supported. (HTTP 501)')
    for command in ['interface-attach', 'guest'], ['interface-detach', 'guest', '6c8fe9a5-3c8f-4c2e-8c7b-2f51a4a9d4a1']:
        holds(nova.run(*command, fails=True).err, '(HTTP 501)')
    equal(nova.run('volume-attachments', 'guest').table(), [])
    holds(nova.run('volume-detach', 'guest', '6c8fe9a5-3c8f-4c2e-8c7b-2f51a4a9d4a1', fails=True).err, '(HTTP 404)')
    holds(nova.run('boot', '--flavor', '1', '--boot-volume', '6c8fe9a5-3c8f-4c2e-8c7b-2f51a4a9d4a1', 'elsewhere', fails=True).err, 'failed to get volume')
    holds(nova.run('restore', 'guest', fails=True).err, "Cannot 'restore' instance")
    holds(nova.run('volume-attach', 'guest', '6c8fe9a5-3c8f-4c2e-8c7b-2f51a4a9d4a1', fails=True).err, '(HTTP 404)')
    holds(nova.run('boot', '--flavor', '1', '--image', 'journal', '--nic', 'net-id=6c8fe9a5-3c8f-4c2e-8c7b-2f51a4a9d4a1', 'elsewhere', fails=True).err, 'could not be found')


@check
def program(nova):
    """the program /usr/bin/nova itself: a table, and an exit status"""
    environment = {**{k: v for k, v in os.environ.items() if not k.startswith('OS_')}, **nova.environment('user1')}
    listed = subprocess.run(['/usr/bin/nova', 'list'], env=environment, capture_output=True, text=True, check=True)
    holds(listed.stdout, '| guest')
    equal(subprocess.run(['/usr/bin/nova', 'show', 'nobody'], env=environment, capture_output=True, text=True, check=False).returncode, 1)


@check
def delete(nova):
    """delete, by name and what there is not"""
    holds(nova.run('delete', 'guest').out, 'Request to delete server guest has been accepted.')
    nova.until(lambda: nova.run('list').table(), lambda found: found == [])
    holds(nova.run('delete', 'guest', fails=True).err, 'Unable to delete the specified server(s).')


def main():
    nova = Session(sys.argv[1], novaclient.shell.main, 'nova')
    for test in CHECKS + logins.CHECKS + guests.CHECKS + administration.CHECKS + hosts.CHECKS:
        nova.check(test.__doc__, test)
    return nova.finish()


if __name__ == '__main__':
    sys.exit(main())
