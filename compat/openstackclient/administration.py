"""What an administrator does with python-openstackclient, and what it prints."""
from session import Checks, equal, holds

CHECKS = Checks()
check = CHECKS.check


@check
def flavors(osc):
    """flavor create, set, unset, show, list with --long and --all, delete"""
    made = osc.run('flavor', 'create', '--id', '98', '--ram', '256', '--disk', '1', '--vcpus', '1', '--private', 'm9.other', user='admin').properties()
    equal((made['id'], made['name'], made['ram'], made['os-flavor-access:is_public']), ('98', 'm9.other', '256', 'False'))
    osc.run('flavor', 'set', '--property', 'a=b', '--project', osc.tenant('user1'), 'm9.other', user='admin')
    shown = osc.run('flavor', 'show', 'm9.other', user='admin').properties()
    equal((shown['properties'], shown['access_project_ids']), ("a='b'", f"['{osc.tenant('user1')}']"))
    equal([f['ID'] for f in osc.run('flavor', 'list').table() if f['Name'] == 'm9.other'], ['98'])
    osc.run('flavor', 'unset', '--property', 'a', '--project', osc.tenant('user1'), 'm9.other', user='admin')
    row = osc.run('flavor', 'list', '--long', '--all', user='admin').row(ID='98')
    equal((row['Name'], row['RAM'], row['Is Public'], row['RXTX Factor'], row['Properties']), ('m9.other', '256', 'False', '1.0', ''))
    equal(osc.run('flavor', 'show', 'm9.other', user='admin').properties()['access_project_ids'], '[]')
    osc.run('flavor', 'show', 'm9.other', fails=True)
    equal([f['Name'] for f in osc.run('flavor', 'list', '--min-ram', '4096', '--limit', '2').table()], ['m1.medium', 'm1.large'])
    osc.run('flavor', 'delete', 'm9.other', user='admin')
    osc.run('flavor', 'show', 'm9.other', user='admin', fails=True)


@check
def aggregates(osc):
    """aggregate create, set, unset, add host, show, list, remove host, delete"""
    made = osc.run('aggregate', 'create', '--zone', 'west', '--property', 'ssd=true', 'rack', user='admin').properties()
    equal((made['name'], made['availability_zone']), ('rack', 'west'))
    holds(osc.run('aggregate', 'add', 'host', 'rack', 'host2', user='admin').properties()['hosts'], 'host2')
    holds(osc.run('aggregate', 'show', 'rack', user='admin').properties()['properties'], "ssd='true'")
    equal([(a['Name'], a['Availability Zone']) for a in osc.run('aggregate', 'list', user='admin').table()], [('rack', 'west')])
    holds(osc.run('aggregate', 'add', 'host', 'rack', 'nowhere', user='admin', fails=True).err, 'Compute host nowhere could not be found.')
    osc.run('aggregate', 'delete', 'rack', user='admin', fails=True)
    osc.run('aggregate', 'set', '--name', 'row', '--property', 'a=b', 'rack', user='admin')
    shown = osc.run('aggregate', 'show', 'row', user='admin').properties()
    equal((shown['id'], shown['availability_zone'], shown['properties']), (made['id'], 'west', "a='b', ssd='true'"))
    osc.run('aggregate', 'unset', '--property', 'a', 'row', user='admin')
    row = osc.run('aggregate', 'list', '--long', user='admin').row(Name='row')
    equal((row['Availability Zone'], row['Properties'], row['Hosts']), ('west', "ssd='true'", 'host2'))
    osc.run('aggregate', 'remove', 'host', 'row', 'host2', user='admin')
    osc.run('aggregate', 'set', '--zone', 'north', '--no-property', 'row', user='admin')
    shown = osc.run('aggregate', 'show', 'row', user='admin').properties()
    equal((shown['hosts'], shown['availability_zone'], shown['properties']), ('', 'north', ''))
    osc.run('aggregate', 'delete', 'row', user='admin')
    equal(osc.run('aggregate', 'list', user='admin').out.strip(), '')


@check
def quotas(osc):
    """quota set, show with --default, list with --compute and --detail; what they hold back"""
    tenant, shown = osc.tenant('user5'), lambda *options, user='admin': osc.run('quota', 'show', *options, user=user).properties()
    equal([shown('--default')[key] for key in ('instances', 'cores', 'ram', 'key-pairs', 'server-groups')], ['10', '20', '51200', '100', '10'])
    osc.run('quota', 'set', '--instances', '3', '--cores', '1', 'project5', user='admin')
    for found in shown('project5'), shown(user='user5'):
        equal((found['instances'], found['cores'], found['ram'], found['project'], found['project_name']), ('3', '1', '51200', tenant, 'project5'))
    row = osc.run('quota', 'list', '--compute', user='admin').row(Project_ID=tenant)
    equal((row['Instances'], row['Cores'], row['Ram']), ('3', '1', '51200'))
    details = osc.run('quota', 'list', '--compute', '--detail', '--project', 'project5', user='admin').row(Resource='cores')
    equal((details['In Use'], details['Reserved'], details['Limit']), ('0', '0', '1'))
    refused = osc.run('server', 'create', '--flavor', 'm1.medium', '--image', 'journal', 'much', user='user5', fails=True).err
    holds(refused, 'Quota exceeded for cores: Requested 2, but already used 0 of 1 cores (HTTP 403)')
    holds(osc.run('quota', 'set', '--cores', '2', tenant, user='user5', fails=True).err, '(HTTP 403)')
    osc.run('quota', 'set', '--instances', '10', '--cores', '20', 'project5', user='admin')
    equal([shown(user='user5')[key] for key in ('instances', 'cores')], ['10', '20'])


@check
def usage(osc):
    """usage show, usage list, of today and of a time when there was nothing"""
    tenant = osc.tenant('user3')
    shown = osc.run('usage', 'show', user='user3').properties()
    equal((shown['Project'], int(shown['Servers']) >= 1, float(shown['RAM MB-Hours']) > 0), (tenant, True, True))
    row = osc.run('usage', 'list', user='admin').row(Project='project3')
    equal((row['Servers'], float(row['RAM MB-Hours']) > 0), (shown['Servers'], True))
    equal(osc.run('usage', 'list', '--start', '2011-01-01', '--end', '2011-02-01', user='admin').out.strip(), '')
    holds(osc.run('usage', 'list', user='user3', fails=True).err, '(HTTP 403)')
