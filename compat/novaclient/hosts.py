"""What an administrator does to hosts, to all servers of one, and to the records of agents with python-novaclient, and what it prints."""
import datetime
import json
import re

from session import Checks, equal, holds

CHECKS = Checks()
check = CHECKS.check
USER = 'user4'
UPTIME = re.compile(r'^\d\d:\d\d:\d\d up \d+ days, +\d+:\d\d')


@check
def agents(nova):
    """agent-create, agent-list with --hypervisor, agent-modify, agent-delete"""
    build = ['linux', 'x86_64', '1.0', 'http://192.0.2.1/agent.tgz', 'd41d8cd98f00b204e9800998ecf8427e']
    made = nova.run('agent-create', *build, 'xen', user='admin').properties()
    equal(made, {'agent_id': made['agent_id'], 'os': build[0], 'architecture': build[1], 'version': build[2], 'url': build[3], 'md5hash': build[4], 'hypervisor': 'xen'})
    row = {'Agent_id': made['agent_id'], 'Hypervisor': 'xen', 'OS': build[0], 'Architecture': build[1], 'Version': build[2], 'Md5hash': build[4], 'Url': build[3]}
    equal(nova.run('agent-list', user='admin').table(), [row])
    holds(nova.run('agent-create', *build, 'xen', user='admin', fails=True).err, '(HTTP 409)')
    equal(nova.run('agent-list', '--hypervisor', 'kvm', user='admin').table(), [])
    change = {'agent_id': made['agent_id'], 'version': '2.0', 'url': 'http://192.0.2.1/newer.tgz', 'md5hash': '0' * 32}
    equal(nova.run('agent-modify', *change.values(), user='admin').properties(), change)
    equal(nova.run('agent-list', '--hypervisor', 'xen', user='admin').table(), [{**row, 'Version': '2.0', 'Url': change['url'], 'Md5hash': change['md5hash']}])
    for command in ['agent-list'], ['agent-create', *build, 'kvm'], ['agent-modify', *change.values()], ['agent-delete', made['agent_id']]:
        holds(nova.run(*command, fails=True).err, '(HTTP 403)')
    nova.run('agent-delete', made['agent_id'], user='admin')
    holds(nova.run('agent-delete', made['agent_id'], user='admin', fails=True).err, f"No agent-build associated with id {made['agent_id']}. (HTTP 404)")
    equal(nova.run('agent-list', user='admin').table(), [])


@check
def hypervisors(nova):
    """hypervisor-list --matching, hypervisor-show and hypervisor-uptime by name and by id, hypervisor-stats"""
    rows = nova.run('hypervisor-list', '--matching', 'ost2', user='admin').table()
    equal([(h['Hypervisor hostname'], h['State'], h['Status']) for h in rows], [('host2', 'up', 'enabled')])
    holds(nova.run('hypervisor-list', '--matching', 'nowhere', user='admin', fails=True).err, "No hypervisor matching 'nowhere' could be found. (HTTP 404)")
    both = [nova.run('hypervisor-show', host, user='admin').properties() for host in ('host1', rows[0]['ID'])]
    equal([(h['hypervisor_hostname'], h['service_host']) for h in both], [('host1', 'host1'), ('host2', 'host2')])
    for host in 'host2', rows[0]['ID']:
        shown = nova.run('hypervisor-uptime', host, user='admin').properties()
        equal((shown['hypervisor_hostname'], shown['id'], shown['state'], shown['status'], bool(UPTIME.match(shown['uptime']))), ('host2', rows[0]['ID'], 'up', 'enabled', True), shown['uptime'])
    stats = nova.run('hypervisor-stats', user='admin').properties()
    sums = {key: str(sum(int(h[key]) for h in both)) for key in ('vcpus', 'vcpus_used', 'memory_mb', 'memory_mb_used', 'free_ram_mb', 'local_gb', 'local_gb_used', 'free_disk_gb', 'running_vms', 'current_workload')}
    equal({key: stats[key] for key in sums}, sums)
    equal((stats['count'], int(stats['vcpus']) > 0), ('2', True))
    for command in ['hypervisor-stats'], ['hypervisor-uptime', 'host1'], ['hypervisor-show', 'host1']:
        holds(nova.run(*command, fails=True).err, '(HTTP 403)')


@check
def audits(nova):
    """instance-usage-audit-log, now and --before"""
    today = datetime.datetime.now(datetime.timezone.utc).date()
    end = today.replace(day=1)
    for options, ending in ([], end), (['--before', '2020-03-15 12:00:00'], datetime.date(2020, 3, 1)):
        shown = nova.run('instance-usage-audit-log', *options, user='admin').properties()
        beginning = (ending - datetime.timedelta(days=1)).replace(day=1)
        equal((shown['period_beginning'], shown['period_ending']), (f'{beginning} 00:00:00', f'{ending} 00:00:00'))
        equal((shown['num_hosts'], shown['num_hosts_running'], shown['total_errors']), ('2', '0', '0'))
        equal(int(shown['num_hosts_done']) + int(shown['num_hosts_not_run']), 2)
    holds(nova.run('instance-usage-audit-log', '--before', 'nonsense', user='admin', fails=True).err, 'Invalid timestamp for date nonsense (HTTP 400)')
    holds(nova.run('instance-usage-audit-log', fails=True).err, '(HTTP 403)')


@check
def servers_of_host(nova):
    """host-meta set and delete, host-servers-migrate, hypervisor-servers, refresh-network, reset-network"""
    show = lambda user=USER: nova.run('show', uuid, user=user).properties()
    nova.run('boot', '--flavor', 'm1.tiny', '--image', 'journal', '--meta', 'own=kept', '--poll', 'mover', user=USER)
    uuid = nova.run('list', '--name', 'mover', user=USER).row(Name='mover')['ID']
    host = show('admin')['OS-EXT-SRV-ATTR:host']
    other = ({'host1', 'host2'} - {host}).pop()
    nova.run('host-meta', host, 'set', 'rack=east', user='admin')
    equal(json.loads(show()['metadata']), {'own': 'kept', 'rack': 'east'})
    nova.run('host-meta', other, 'set', 'rack=west', user='admin')
    nova.run('host-meta', '--strict', host, 'delete', 'rack', user='admin')
    equal(json.loads(show()['metadata']), {'own': 'kept'})
    for command in 'refresh-network', 'reset-network':
        equal(nova.run(command, uuid, user='admin').out.strip(), '')
        holds(nova.run(command, uuid, user=USER, fails=True).err, '(HTTP 403)')
    equal(nova.run('host-servers-migrate', '--strict', host, user='admin').table(), [{'Server UUID': uuid, 'Migration Accepted': 'True', 'Error Message': ''}])
    nova.until(lambda: show()['status'], lambda found: found == 'VERIFY_RESIZE')
    equal(show('admin')['OS-EXT-SRV-ATTR:host'], other)
    refused = nova.run('host-servers-migrate', other, user='admin').row(Server_UUID=uuid)
    equal(refused['Migration Accepted'], 'False')
    holds(refused['Error Message'], f"Cannot 'migrate' instance {uuid} while it is in vm_state resized (HTTP 409)")
    holds(nova.run('host-servers-migrate', 'nowhere', user='admin', fails=True).err, 'No hypervisor matching')
    holds(nova.run('host-servers-migrate', other, user=USER, fails=True).err, '(HTTP 403)')
    nova.run('resize-confirm', uuid, user=USER)
    nova.until(lambda: show()['status'], lambda found: found == 'ACTIVE')
    equal([(s['ID'], s['Hypervisor Hostname']) for s in nova.run('hypervisor-servers', other, user='admin').table()], [(uuid, other)])
    nova.run('delete', uuid, user=USER)
    nova.until(lambda: nova.run('list', user=USER).table(), lambda found: found == [])


@check
def forgotten(nova):
    """service-delete: one that still runs comes back as another"""
    one = lambda: nova.run('service-list', '--binary', 'nova-scheduler', user='admin').table()
    before = one()
    equal(len(before), 1)
    holds(nova.run('service-delete', before[0]['Id'], fails=True).err, '(HTTP 403)')
    nova.run('service-delete', before[0]['Id'], user='admin')
    after = nova.until(one, lambda found: len(found) == 1 and found[0]['Id'] != before[0]['Id'])
    equal((after[0]['Host'], after[0]['Zone'], after[0]['Status'], after[0]['State']), (before[0]['Host'], 'internal', 'enabled', 'up'))
    holds(nova.run('service-delete', '99999', user='admin', fails=True).err, 'Service 99999 not found. (HTTP 404)')
