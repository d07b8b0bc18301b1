"""What an administrator does with python-novaclient, and what it prints."""
from session import Checks, equal, holds

CHECKS = Checks()
check = CHECKS.check


@check
def flavors(nova):
    """flavor-create, flavor-key, flavor-list --extra-specs, flavor-access-add, -list and -remove, flavor-delete; a server whose flavor is gone"""
    holds(nova.run('flavor-create', 'm9.own', '99', '256', '1', '1', fails=True).err, '(HTTP 403)')
    made = nova.run('flavor-create', '--ephemeral', '1', '--swap', '512', '--rxtx-factor', '2', '--is-public', 'false', 'm9.own', '99', '256', '1', '1', user='admin').row(Name='m9.own')
    equal(made, {'ID': '99', 'Name': 'm9.own', 'Memory_MiB': '256', 'Disk': '1', 'Ephemeral': '1', 'Swap': '512', 'VCPUs': '1', 'RXTX_Factor': '2.0', 'Is_Public': 'False'})
    nova.run('flavor-key', 'm9.own', 'set', 'a=b', 'c=d', user='admin')
    nova.run('flavor-key', 'm9.own', 'unset', 'a', user='admin')
    equal(nova.run('flavor-show', 'm9.own', user='admin').properties()['extra_specs'], '{"c": "d"}')
    equal(nova.run('flavor-list', '--all', '--extra-specs', user='admin').row(Name='m9.own')['extra_specs'], "{'c': 'd'}")
    nova.run('flavor-show', 'm9.own', fails=True)
    tenant = nova.tenant('user1')
    equal(nova.run('flavor-access-add', 'm9.own', tenant, user='admin').table(), [{'Flavor_ID': '99', 'Tenant_ID': tenant}])
    equal(nova.run('flavor-access-list', '--flavor', 'm9.own', user='admin').table(), [{'Flavor_ID': '99', 'Tenant_ID': tenant}])
    equal(nova.run('flavor-list').row(Name='m9.own')['Is_Public'], 'False')
    equal(nova.run('flavor-access-remove', 'm9.own', tenant, user='admin').table(), [])
    equal([f for f in nova.run('flavor-list').table() if f['ID'] == '99'], [])
    nova.run('boot', '--flavor', 'm9.own', '--image', 'journal', '--poll', 'bereft', user='admin')
    nova.run('flavor-delete', 'm9.own', user='admin')
    equal(nova.run('show', 'bereft', user='admin').properties()['flavor'], 'Flavor not found (99)')
    equal(nova.run('list', '--name', 'bereft', user='admin').row(Name='bereft')['Status'], 'ACTIVE')
    nova.run('delete', 'bereft', user='admin')
    nova.until(lambda: nova.run('list', user='admin').table(), lambda found: found == [])
    holds(nova.run('flavor-show', 'm9.own', user='admin', fails=True).err, "No flavor with a name or ID of 'm9.own' exists.")


@check
def aggregates(nova):
    """aggregate-create, -add-host, -set-metadata, -update, -show, -list, -remove-host, -delete; the zone that one makes"""
    made = nova.run('aggregate-create', 'rack', 'east', user='admin').row(Name='rack')
    equal((made['Availability Zone'], made['Hosts'], made['Metadata']), ('east', '', "'availability_zone=east'"))
    printed = nova.run('aggregate-add-host', 'rack', 'host1', user='admin')
    holds(printed.out, f"Host host1 has been successfully added for aggregate {made['Id']}")
    equal(printed.row(Name='rack')['Hosts'], "'host1'")
    equal(sorted(z['Name'] for z in nova.run('availability-zone-list').table()), ['east', 'nova'])
    holds(nova.run('aggregate-add-host', 'rack', 'nowhere', user='admin', fails=True).err, 'Compute host nowhere could not be found. (HTTP 404)')
    equal(nova.run('aggregate-set-metadata', 'rack', 'ssd=true', user='admin').row(Name='rack')['Metadata'], "'availability_zone=east', 'ssd=true'")
    equal(nova.run('aggregate-update', '--name', 'row', 'rack', user='admin').row(Id=made['Id'])['Name'], 'row')
    equal(nova.run('aggregate-show', 'row', user='admin').row(Id=made['Id'])['Hosts'], "'host1'")
    equal([(a['Name'], a['Availability Zone']) for a in nova.run('aggregate-list', user='admin').table()], [('row', 'east')])
    holds(nova.run('aggregate-delete', 'row', user='admin', fails=True).err, 'is not empty')
    equal(nova.run('aggregate-remove-host', 'row', 'host1', user='admin').row(Name='row')['Hosts'], '')
    holds(nova.run('aggregate-delete', 'row', user='admin').out, 'has been successfully deleted.')
    equal(nova.run('aggregate-list', user='admin').table(), [])
    holds(nova.run('aggregate-list', fails=True).err, '(HTTP 403)')


@check
def quotas(nova):
    """quota-defaults, quota-update, quota-show with --tenant and --detail, quota-delete, quota-class-show, quota-class-update"""
    tenant = nova.tenant('user5')
    equal(nova.run('quota-defaults', user='admin').properties()['cores'], '20')
    nova.run('quota-update', '--cores', '1', tenant, user='admin')
    equal(nova.run('quota-show', '--tenant', tenant, user='admin').properties()['cores'], '1')
    equal(nova.run('quota-show', user='user5').properties()['cores'], '1')
    holds(nova.run('quota-show', '--detail', user='user5').properties()['cores'], "'limit': 1")
    holds(nova.run('boot', '--flavor', 'm1.medium', '--image', 'journal', 'much', user='user5', fails=True).err, 'Quota exceeded for cores: Requested 2, but already used 0 of 1 cores (HTTP 403)')
    holds(nova.run('quota-update', '--cores', '2', tenant, user='user5', fails=True).err, '(HTTP 403)')
    nova.run('quota-delete', '--tenant', tenant, user='admin')
    equal(nova.run('quota-show', user='user5').properties()['cores'], '20')
    nova.run('quota-class-update', '--key-pairs', '99', 'default', user='admin')
    equal(nova.run('quota-class-show', 'default', user='admin').properties()['key_pairs'], '99')
    equal(nova.run('quota-defaults', user='user5').properties()['key_pairs'], '99')
    nova.run('quota-class-update', '--key-pairs', '100', 'default', user='admin')


@check
def services(nova):
    """service-disable with and without --reason, service-enable, service-list with --host and --binary"""
    of_host = lambda: nova.run('service-list', '--host', 'host1', '--binary', 'nova-compute', user='admin').table()
    equal([(s['Host'], s['Binary'], s['Status']) for s in nova.run('service-disable', 'host1', user='admin').table()], [('host1', 'nova-compute', 'disabled')])
    equal([(s['Status'], s['State'], s['Disabled Reason']) for s in of_host()], [('disabled', 'up', '-')])
    equal([s['Disabled Reason'] for s in nova.run('service-disable', '--reason', 'new fans', 'host1', user='admin').table()], ['new fans'])
    equal([(s['Status'], s['Disabled Reason']) for s in of_host()], [('disabled', 'new fans')])
    equal([(s['Host'], s['Status']) for s in nova.run('service-enable', 'host1', user='admin').table()], [('host1', 'enabled')])
    equal([(s['Status'], s['Disabled Reason']) for s in of_host()], [('enabled', '-')])
