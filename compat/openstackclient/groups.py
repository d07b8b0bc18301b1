"""What a user does to groups of servers and of security with python-openstackclient, and what it prints."""
from session import Checks, equal, holds

CHECKS = Checks()
check = CHECKS.check
USER = 'user2'


# The client's own --wait looks only every five seconds.
def create(osc, name, *options):
    osc.run('server', 'create', '--flavor', 'm1.tiny', '--image', 'journal', *options, name, user=USER)
    return osc.until(lambda: osc.run('server', 'show', name, user=USER).properties(), lambda found: found['status'] == 'ACTIVE')


def delete(osc, name):
    osc.run('server', 'delete', name, user=USER)
    osc.until(lambda: osc.run('server', 'list', '-n', user=USER).out.strip(), lambda found: found == '')


@check
def server_groups(osc):
    """server group create, list with --long and --all-projects, show, delete; server create with the hint of one"""
    made = osc.run('server', 'group', 'create', '--policy', 'anti-affinity', 'apart', user=USER).properties()
    equal((made['name'], made['policies'], made['members']), ('apart', 'anti-affinity', ''))
    member = create(osc, 'member', '--hint', f"group={made['id']}")['id']
    equal(osc.run('server', 'group', 'show', 'apart', user=USER).properties()['members'], member)
    row = osc.run('server', 'group', 'list', '--long', user=USER).row(ID=made['id'])
    equal((row['Name'], row['Policies'], row['Members']), ('apart', 'anti-affinity', member))
    equal(osc.run('server', 'group', 'list').out.strip(), '')
    equal([g['ID'] for g in osc.run('server', 'group', 'list', '--all-projects', user='admin').table()], [made['id']])
    delete(osc, 'member')
    osc.run('server', 'group', 'delete', 'apart', user=USER)
    equal(osc.run('server', 'group', 'list', user=USER).out.strip(), '')
    osc.run('server', 'group', 'show', 'apart', user=USER, fails=True)


@check
def security_groups(osc):
    """security group create, list, show, delete; security group rule create, delete; server create in one"""
    made = osc.run('security', 'group', 'create', '--description', 'of the web', 'web', user=USER).properties()
    equal(made, {'id': made['id'], 'name': 'web', 'description': 'of the web', 'project_id': osc.tenant(USER), 'rules': ''})
    equal([g['Name'] for g in osc.run('security', 'group', 'list', user=USER).table()], ['default', 'web'])
    equal([g['Name'] for g in osc.run('security', 'group', 'list').table()], ['default'])
    rule = osc.run('security', 'group', 'rule', 'create', '--protocol', 'tcp', '--dst-port', '80:81', '--remote-ip', '192.0.2.0/24', 'web', user=USER).properties()
    equal((rule['ip_protocol'], rule['port_range'], rule['ip_range'], rule['parent_group_id']), ('tcp', '80:81', '192.0.2.0/24', made['id']))
    rules = lambda: osc.run('security', 'group', 'show', 'web', user=USER).properties()['rules']
    for part in f"id='{rule['id']}'", "ip_protocol='tcp'", "port_range='80:81'", "ip_range='192.0.2.0/24'":
        holds(rules(), part)
    equal(create(osc, 'walled', '--security-group', 'web')['security_groups'], "name='web'")
    holds(osc.run('security', 'group', 'delete', 'web', user=USER, fails=True).err, 'HTTP 400')
    delete(osc, 'walled')
    osc.run('security', 'group', 'rule', 'delete', rule['id'], user=USER)
    equal(rules(), '')
    osc.run('security', 'group', 'delete', 'web', user=USER)
    holds(osc.run('security', 'group', 'show', 'web', user=USER, fails=True).err, '(HTTP 404)')
    equal([g['Name'] for g in osc.run('security', 'group', 'list', user=USER).table()], ['default'])
