"""Scripts of openstacksdk, as a user of each of its two layers would write them, and what they get."""
import openstack
import openstack.config
import openstack.exceptions

from session import Checks, Mismatch, equal, holds

CHECKS = Checks()
check = CHECKS.check
WAIT = 180
NAME, OTHER = 'user4', 'user5'


def connect(osc, name, **settings):
    who = osc.users[name]
    credentials = {'auth_url': osc.ready['identity_url'], 'username': who['name'], 'password': who['password'], 'project_name': who['project'], 'user_domain_name': who['domain'],
                   'project_domain_name': who['domain']}
    return openstack.connection.Connection(config=openstack.config.get_cloud_region(load_yaml_config=False, load_envvars=False, auth=credentials, region_name='RegionOne', **settings))


def settled(compute, server, status='ACTIVE'):
    return compute.wait_for_server(compute.get_server(server.id), status=status, wait=WAIT)


def raises(kind, what, call, *arguments, **named):
    """What a call must fail with."""
    try:
        call(*arguments, **named)
    except kind as error:
        holds(str(error), what)
        return
    raise Mismatch(f'{call.__name__} does not raise {kind.__name__}')


@check
def proxy(osc):
    """compute: find, create with keys, wait, resize, confirm, revert, migrate, metadata, limits, delete"""
    connection, admin = connect(osc, NAME), connect(osc, 'admin')
    compute = connection.compute
    key = compute.create_keypair(name='sdk')
    holds(key.private_key, 'BEGIN RSA PRIVATE KEY')
    equal((compute.find_keypair('sdk').fingerprint, [k.name for k in compute.keypairs()], compute.find_keypair('none')), (key.fingerprint, ['sdk'], None))
    flavor, other, image = compute.find_flavor('m1.tiny'), compute.find_flavor('m1.small'), connection.image.find_image('journal')
    equal((flavor.id, other.id, image.id, compute.find_flavor('none')), ('1', '2', osc.ready['images'][0]['id'], None))
    made = compute.create_server(name='sdk guest', flavor_id=flavor.id, image_id=image.id, key_name='sdk', metadata={'a': 'b'})
    made = compute.wait_for_server(made, wait=WAIT)
    equal((made.status, made.key_name, made.metadata, made.vm_state), ('ACTIVE', 'sdk', {'a': 'b'}, 'active'))
    equal((compute.find_server('sdk guest').id, compute.find_server('none')), (made.id, None))
    raises(openstack.exceptions.ResourceNotFound, 'No Server found for none', compute.find_server, 'none', ignore_missing=False)
    equal([s.id for s in compute.servers(name='sdk guest', sort_key='display_name', sort_dir='asc')], [made.id])
    compute.set_server_metadata(made, c='d')
    equal(dict(compute.get_server_metadata(made).metadata), {'a': 'b', 'c': 'd'})
    compute.delete_server_metadata(made, ['a'])
    equal(dict(compute.get_server(made.id).metadata), {'c': 'd'})
    equal(compute.update_server(made, name='renamed').name, 'renamed')
    compute.resize_server(made, other.id)
    made = settled(compute, made, 'VERIFY_RESIZE')
    compute.confirm_server_resize(made)
    made = settled(compute, made)
    compute.resize_server(made, '3')
    compute.revert_server_resize(settled(compute, made, 'VERIFY_RESIZE'))
    made = settled(compute, made)
    equal(compute.get_server(made.id).flavor.id, '2')
    admin.compute.migrate_server(made.id)
    compute.confirm_server_resize(settled(compute, made, 'VERIFY_RESIZE'))
    made = settled(compute, made)
    raises(openstack.exceptions.ConflictException, 'Instance has not been resized.', compute.confirm_server_resize, made)
    equal((compute.get_limits().absolute.instances_used, compute.get_limits().absolute.keypairs), (1, 100))
    holds(compute.get_server_console_output(made)['output'], '\n')
    compute.delete_server(made.id)
    compute.wait_for_delete(made, wait=WAIT)
    equal(list(compute.servers()), [])
    compute.delete_keypair('sdk')
    equal(list(compute.keypairs()), [])
    raises(openstack.exceptions.ResourceNotFound, made.id, compute.get_server, made.id)


@check
def pages(osc):
    """compute: servers by pages and with filters, of every project, flavors likewise"""
    compute, admin = connect(osc, NAME).compute, connect(osc, 'admin').compute
    image = osc.ready['images'][1]['id']
    group = compute.create_server_group(name='paged', policies=['anti-affinity'])
    made = [compute.create_server(name=f'page {i}', flavor_id='1', image_id=image, networks='auto', scheduler_hints={'group': group.id} if i < 2 else None) for i in range(3)]
    for server in made:
        equal(compute.wait_for_server(server, wait=WAIT).status, 'ACTIVE')
    names = [f'page {i}' for i in range(3)]
    equal(sorted(compute.get_server_group(group.id).member_ids), sorted(s.id for s in made[:2]))
    equal([s.name for s in compute.servers(limit=1, sort_key='display_name', sort_dir='asc')], names)
    equal([s.name for s in compute.servers(limit=2, sort_key='display_name', sort_dir='desc')], names[::-1])
    equal([s.id for s in compute.servers(limit=1, paginated=False, sort_key='created_at', sort_dir='asc')], [made[0].id])
    equal([s.name for s in compute.servers(name='1$', status='ACTIVE', image=image, flavor='1')], ['page 1'])
    for filters in {'flavor': '2'}, {'status': 'ERROR'}, {'image': osc.ready['images'][0]['id']}, {'changes_since': '2100-01-01T00:00:00Z'}:
        equal(list(compute.servers(**filters)), [], filters)
    equal({s.name: (s.status, s.flavor.id if s.flavor else None) for s in compute.servers(details=False)}, {name: (None, None) for name in names})
    mine = osc.tenant(NAME)
    equal(sorted(s.name for s in admin.servers(all_projects=True, project_id=mine)), names)
    raises(openstack.exceptions.HttpException, '403', lambda: list(compute.servers(all_projects=True)))
    equal([f.id for f in compute.flavors(limit=2, sort_key='flavorid', sort_dir='desc')], ['5', '4', '3', '2', '1'])
    equal([(f.name, f.ram, f.vcpus, f.disk, f.is_public) for f in compute.flavors(min_ram=8192)], [('m1.large', 8192, 4, 80, True), ('m1.xlarge', 16384, 8, 160, True)])
    for server in made:
        compute.delete_server(server)
    for server in made:
        compute.wait_for_delete(server, wait=WAIT)
    compute.delete_server_group(group)
    equal((list(compute.servers()), list(compute.server_groups())), ([], []))


@check
def cloud(osc):
    """cloud: create_server and delete_server with wait, find and search, metadata, flavors, keys, snapshot, rebuild, groups"""
    connection = connect(osc, OTHER)
    key = connection.create_keypair('cloud')
    equal(([k.name for k in connection.list_keypairs()], connection.get_keypair('cloud').fingerprint), (['cloud'], key.fingerprint))
    equal((connection.get_flavor('m1.tiny').id, connection.get_flavor_by_ram(1000).name, connection.get_flavor('none'), len(connection.list_flavors())), ('1', 'm1.small', None, 5))
    group = connection.create_server_group('together', ['affinity'])
    equal((group.policies, [g.name for g in connection.search_server_groups('together')]), (['affinity'], ['together']))
    made = connection.create_server('auto', image='journal', flavor='m1.tiny', key_name='cloud', meta={'a': 'b'}, userdata='#!/bin/sh', wait=True, timeout=WAIT, auto_ip=False)
    equal((made.status, made.name, made.key_name, made.metadata, len(made.addresses)), ('ACTIVE', 'auto', 'cloud', {'a': 'b'}, 1))
    equal((connection.get_server('auto').id, connection.get_server_by_id(made.id).name, connection.get_server('none')), (made.id, 'auto', None))
    equal(([s.id for s in connection.list_servers(filters={'name': '^auto$'})], connection.list_servers(filters={'name': 'none'})), ([made.id], []))
    equal(([s.id for s in connection.search_servers(filters={'status': 'ACTIVE'})], connection.search_servers(filters={'status': 'ERROR'})), ([made.id], []))
    connection.set_server_metadata('auto', {'c': 'd'})
    connection.delete_server_metadata('auto', ['a'])
    equal(dict(connection.get_server('auto').metadata), {'c': 'd'})
    snapshot = connection.create_image_snapshot('cloud snapshot', made, wait=True, timeout=WAIT)
    equal((snapshot.status, connection.get_image('cloud snapshot').id), ('active', snapshot.id))
    rebuilt = connection.rebuild_server(made.id, snapshot.id, wait=True, timeout=WAIT)
    equal((rebuilt.status, rebuilt.image.id, rebuilt.id), ('ACTIVE', snapshot.id, made.id))
    equal((connection.get_compute_limits().total_instances_used, connection.list_availability_zone_names()), (1, ['nova']))
    equal((connection.delete_server('auto', wait=True, timeout=WAIT), connection.delete_server('auto', wait=True), connection.list_servers()), (True, False, []))
    equal((connection.delete_server_group('together'), connection.delete_keypair('cloud'), connection.delete_keypair('cloud'), connection.delete_image('cloud snapshot')), (True, True, False, True))


@check
def administration(osc):
    """cloud and compute of an administrator: hypervisors, services, aggregates, quotas, usage, flavors and who may use them"""
    admin, mine = connect(osc, 'admin'), osc.tenant(OTHER)
    equal(sorted((h.name, h.state, h.status) for h in admin.list_hypervisors()), [('host1', 'up', 'enabled'), ('host2', 'up', 'enabled')])
    holds(admin.compute.get_hypervisor_uptime(admin.compute.find_hypervisor('host2')).uptime, ' up ')
    service = next(admin.compute.services(binary='nova-compute', host='host2'))
    disabled = admin.compute.disable_service(service, host='host2', binary='nova-compute', disabled_reason='fans')
    equal((disabled.status, disabled.disabled_reason), ('disabled', 'fans'))
    equal([(s.host, s.status, s.disabled_reason) for s in admin.compute.services(binary='nova-compute') if s.status == 'disabled'], [('host2', 'disabled', 'fans')])
    equal(admin.compute.enable_service(service, host='host2', binary='nova-compute').status, 'enabled')
    equal(admin.create_aggregate('sdk', availability_zone='south').availability_zone, 'south')
    equal(admin.add_host_to_aggregate('sdk', 'host1').hosts, ['host1'])
    equal(admin.set_aggregate_metadata('sdk', {'ssd': 'true'}).metadata, {'availability_zone': 'south', 'ssd': 'true'})
    equal((admin.update_aggregate('sdk', name='row').name, admin.remove_host_from_aggregate('row', 'host1').hosts, admin.delete_aggregate('row'), list(admin.list_aggregates())), ('row', [], True, []))
    equal(admin.get_compute_quotas(mine)['cores'], 20)
    admin.set_compute_quotas(mine, cores=7)
    equal(admin.get_compute_quotas(mine)['cores'], 7)
    admin.delete_compute_quotas(mine)
    equal(admin.get_compute_quotas(mine)['cores'], 20)
    equal(admin.get_compute_usage(mine).total_memory_mb_usage > 0, True)
    flavor = admin.create_flavor('m9.sdk', 128, 1, 1, flavorid='97', is_public=False)
    equal((flavor.id, flavor.ram, flavor.is_public), ('97', 128, False))
    admin.set_flavor_specs('97', {'a': 'b', 'c': 'd'})
    admin.unset_flavor_specs('97', ['a'])
    equal(dict(admin.get_flavor('m9.sdk').extra_specs), {'c': 'd'})
    other = connect(osc, OTHER)
    equal(other.get_flavor('m9.sdk'), None)
    admin.add_flavor_access('97', mine)
    equal(([a['tenant_id'] for a in admin.list_flavor_access('97')], connect(osc, OTHER).get_flavor('m9.sdk').id), ([mine], '97'))
    admin.remove_flavor_access('97', mine)
    equal((admin.list_flavor_access('97'), admin.delete_flavor('m9.sdk'), admin.get_flavor('m9.sdk')), ([], True, None))
    raises(openstack.exceptions.HttpException, 'administrator', other.compute.get_hypervisor, '1')


@check
def oldest(osc):
    """compute by its URL of v1.1"""
    url = f"{osc.ready['compute_url']['v1.1']}/{osc.tenant(OTHER)}"
    compute = connect(osc, OTHER, compute_endpoint_override=url).compute
    equal((compute.get_endpoint(), [f.id for f in compute.flavors()], list(compute.servers())), (url, ['1', '2', '3', '4', '5'], []))
    made = compute.wait_for_server(compute.create_server(name='old way', flavor_id='1', image_id=osc.ready['images'][0]['id']), wait=WAIT)
    equal((made.status, [s.name for s in compute.servers()]), ('ACTIVE', ['old way']))
    compute.delete_server(made)
    compute.wait_for_delete(made, wait=WAIT)
    equal(list(compute.servers()), [])
