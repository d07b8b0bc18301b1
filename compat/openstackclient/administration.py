"""What an administrator does with python-openstackclient, and what it prints."""
from session import Checks, equal, holds

CHECKS = Checks()
check = CHECKS.check


@check
def flavors(osc):
    """flavor create, set, show, delete"""
    made = osc.run('flavor', 'create', '--id', '98', '--ram', '256', '--disk', '1', '--vcpus', '1', '--private', 'm9.other', user='admin').properties()
    equal((made['id'], made['name'], made['ram'], made['os-flavor-access:is_public']), ('98', 'm9.other', '256', 'False'))
    osc.run('flavor', 'set', '--property', 'a=b', '--project', osc.tenant('user1'), 'm9.other', user='admin')
    shown = osc.run('flavor', 'show', 'm9.other', user='admin').properties()
    equal((shown['properties'], shown['access_project_ids']), ("a='b'", f"['{osc.tenant('user1')}']"))
    osc.run('flavor', 'delete', 'm9.other', user='admin')
    osc.run('flavor', 'show', 'm9.other', user='admin', fails=True)


@check
def aggregates(osc):
    """aggregate create, add host, show, list, remove host, delete"""
    made = osc.run('aggregate', 'create', '--zone', 'west', '--property', 'ssd=true', 'rack', user='admin').properties()
    equal((made['name'], made['availability_zone']), ('rack', 'west'))
    holds(osc.run('aggregate', 'add', 'host', 'rack', 'host2', user='admin').properties()['hosts'], 'host2')
    holds(osc.run('aggregate', 'show', 'rack', user='admin').properties()['properties'], "ssd='true'")
    equal([(a['Name'], a['Availability Zone']) for a in osc.run('aggregate', 'list', user='admin').table()], [('rack', 'west')])
    osc.run('aggregate', 'remove', 'host', 'rack', 'host2', user='admin')
    osc.run('aggregate', 'delete', 'rack', user='admin')
    equal(osc.run('aggregate', 'list', user='admin').out.strip(), '')
