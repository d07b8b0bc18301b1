"""What an administrator does to hosts and services with python-openstackclient, and what it prints."""
from session import Checks, equal, holds

CHECKS = Checks()
check = CHECKS.check


@check
def services(osc):
    """compute service set, list with --long, --host and --service; compute service delete"""
    row = lambda: osc.run('compute', 'service', 'list', '--long', '--host', 'host1', '--service', 'nova-compute', user='admin').row(Host='host1')
    osc.run('compute', 'service', 'set', '--disable', '--disable-reason', 'new fans', 'host1', 'nova-compute', user='admin')
    one = row()
    equal((one['Binary'], one['Zone'], one['Status'], one['State'], one['Disabled Reason']), ('nova-compute', 'nova', 'disabled', 'up', 'new fans'))
    osc.run('compute', 'service', 'set', '--enable', 'host1', 'nova-compute', user='admin')
    equal([row()[key] for key in ('Status', 'Disabled Reason')], ['enabled', 'None'])
    osc.run('compute', 'service', 'set', '--disable', 'nowhere', 'nova-compute', user='admin', fails=True)
    osc.run('compute', 'service', 'set', '--disable', 'host1', 'nova-compute', fails=True)
    holds(osc.run('compute', 'service', 'delete', '99999', user='admin', fails=True).err, 'Service 99999 not found.')


@check
def hosts(osc):
    """host list with --zone, host show, host set"""
    hosts = lambda *options: sorted((h['Host Name'], h['Service'], h['Zone']) for h in osc.run('host', 'list', *options, user='admin').table() if h['Service'] == 'compute')
    both = [('host1', 'compute', 'nova'), ('host2', 'compute', 'nova')]
    equal((hosts(), hosts('--zone', 'nova')), (both, both))
    osc.run('server', 'create', '--flavor', 'm1.small', '--image', 'journal', 'lodger')
    uuid = osc.until(lambda: osc.run('server', 'show', 'lodger').properties(), lambda found: found['status'] == 'ACTIVE')['id']
    host = osc.run('server', 'show', uuid, user='admin').properties()['OS-EXT-SRV-ATTR:host']
    rows = {h['Project']: (h['Host'], h['CPU'], h['Memory MB'], h['Disk GB']) for h in osc.run('host', 'show', host, user='admin').table()}
    equal(sorted(rows), sorted(['(total)', '(used_now)', '(used_max)', osc.tenant('user1')]))
    equal({rows[key] for key in ('(used_now)', '(used_max)', osc.tenant('user1'))}, {(host, '1', '2048', '20')})
    equal(int(rows['(total)'][2]) > 2048, True)
    shown = osc.run('hypervisor', 'show', host, user='admin').properties()
    equal((shown['hypervisor_hostname'], shown['running_vms'], shown['memory_mb_used'], shown['memory_mb'], shown['aggregates']), (host, '1', '2048', rows['(total)'][2], '[]'))
    row = osc.run('hypervisor', 'list', '--long', '--matching', host, user='admin').row(ID=shown['id'])
    equal((row['Hypervisor Hostname'], row['State']), (host, 'up'))
    stats = osc.run('hypervisor', 'stats', 'show', user='admin').properties()
    equal((stats['count'], stats['running_vms'], stats['vcpus_used'], stats['memory_mb_used']), ('2', '1', '1', '2048'))
    equal([s['Name'] for s in osc.run('server', 'list', '--all-projects', '--host', host, user='admin').table()], ['lodger'])
    osc.run('server', 'delete', 'lodger')
    osc.until(lambda: osc.run('server', 'list', '-n').out.strip(), lambda found: found == '')
    osc.run('host', 'set', '--disable', 'host2', user='admin')
    equal(osc.run('compute', 'service', 'list', '--host', 'host2', user='admin').row(Host='host2')['Status'], 'disabled')
    osc.run('host', 'set', '--enable', 'host2', user='admin')
    equal(osc.run('compute', 'service', 'list', '--host', 'host2', user='admin').row(Host='host2')['Status'], 'enabled')
    holds(osc.run('host', 'set', '--enable-maintenance', 'host2', user='admin', fails=True).err, '(HTTP 501)')
    for command in ['host', 'list'], ['host', 'show', 'host1'], ['host', 'set', '--disable', 'host1'], ['hypervisor', 'stats', 'show']:
        osc.run(*command, fails=True)


@check
def agents(osc):
    """compute agent create, list, set, delete"""
    made = osc.run('compute', 'agent', 'create', 'linux', 'x86_64', '1.0', 'http://192.0.2.1/agent.tgz', '0' * 32, 'xen', user='admin').properties()
    osc.run('compute', 'agent', 'set', '--agent-version', '2.0', '--url', 'http://192.0.2.1/newer.tgz', '--md5hash', '1' * 32, made['agent_id'], user='admin')
    equal(osc.run('compute', 'agent', 'list', user='admin').table(),
          [{'Agent ID': made['agent_id'], 'Hypervisor': 'xen', 'OS': 'linux', 'Architecture': 'x86_64', 'Version': '2.0', 'Md5Hash': '1' * 32, 'URL': 'http://192.0.2.1/newer.tgz'}])
    osc.run('compute', 'agent', 'delete', made['agent_id'], user='admin')
    equal(osc.run('compute', 'agent', 'list', user='admin').out.strip(), '')
