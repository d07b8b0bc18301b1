"""The ways in which python-novaclient is told who somebody is and where the compute service is."""
from believing import believing_shim
from session import Checks, equal, holds

CHECKS = Checks()
check = CHECKS.check
UNASKED = {'OS_USERNAME': 'x', 'OS_PROJECT_NAME': 'x', 'OS_AUTH_URL': 'http://unused.invalid/'}
HEADER = '-H "X-OpenStack-Nova-API-Version: 2.1"'


def life(nova, name, options, environment):
    """A server's life in one way."""
    run = lambda *arguments: nova.run(*options, *arguments, environment=environment)
    holds(run('boot', '--flavor', 'm1.tiny', '--image', 'journal', '--poll', name).out, 'Finished')
    row = run('list').row(Name=name)
    equal((row['Status'], row['Power State']), ('ACTIVE', 'Running'))
    run('resize', '--poll', name, 'm1.small')
    run('resize-confirm', name)
    nova.until(lambda: run('show', name).properties()['status'], lambda found: found == 'ACTIVE')
    run('delete', name)


def way(name, options=lambda nova: [], environment=lambda nova: nova.environment('user2')):
    """Adds a check of a way; what it takes is known only when there is a session."""
    def test(nova):
        life(nova, name, options(nova), environment(nova))
    test.__doc__ = f'boot, resize, confirm and delete by way of {name}'
    CHECKS.append(test)


def person(nova, auth_url):
    who = nova.users['user2']
    return {'OS_USERNAME': who['name'], 'OS_PASSWORD': who['password'], 'OS_PROJECT_NAME': who['project'], 'OS_AUTH_URL': auth_url}


def below(nova, surface):
    return f'{nova.root}/{surface}/{nova.tenant("user2")}'


way('identity-v2', environment=lambda nova: person(nova, nova.root + '/v2.0'))
for one in 'v1.1', 'v2':
    way(f'compute-{one}', lambda nova, one=one: ['--os-endpoint-override', below(nova, one)])
way('header-login', lambda nova: ['--os-auth-type', 'v1password', '--os-endpoint-override', below(nova, 'v1.1')], lambda nova: person(nova, nova.root + '/v1.1/'))
way('admin-token', lambda nova: ['--os-auth-type', 'admin_token', '--os-token', nova.log_in('user2')[0], '--os-endpoint', below(nova, 'v1.1')], lambda nova: UNASKED)


def first_flavor(printed):
    flavor = printed.table()[0]
    equal((flavor['ID'], flavor['Name'], flavor['Memory_MiB']), ('1', 'm1.tiny', '512'))


@check
def identities(nova):
    """other addresses of the identity service, a token given in place of a password, a wrong password"""
    settings = nova.environment('user2')
    for path in '/v3', '/identity':
        first_flavor(nova.run('flavor-list', environment={**settings, 'OS_AUTH_URL': nova.root + path}))
    token = nova.log_in('user2')[0]
    first_flavor(nova.run('--os-token', token, '--os-endpoint-override', nova.root + '/v2.1', 'flavor-list', environment={**settings, 'OS_USERNAME': 'x', 'OS_PASSWORD': ''}))
    holds(nova.run('flavor-list', environment={**settings, 'OS_PASSWORD': 'wrong'}, fails=True).err, '(HTTP 401)')
    holds(nova.run('--os-auth-type', 'admin_token', '--os-token', 'wrong', '--os-endpoint', nova.root + '/v2.1', 'flavor-list', environment=UNASKED, fails=True).err, '(HTTP 401)')
    basic = ['--os-auth-type', 'http_basic', '--os-username', 'user2', '--os-password', nova.users['user2']['password'], '--os-endpoint', nova.root + '/v2.1']
    holds(nova.run(*basic, 'flavor-list', environment=UNASKED, fails=True).err, '(HTTP 401)')


@check
def urls(nova):
    """the forms of the compute service's URL, with the versions that each has and has not"""
    tenant = nova.tenant('user2')
    for path, version, sent in ('/v2.1', None, True), ('/v2.1/', '2', False), (f'/v2.1/{tenant}', '2.1', True), (f'/v2/{tenant}', None, False), (f'/v1.1/{tenant}', '2', False):
        options = ['--debug', '--os-endpoint-override', nova.root + path, *(['--os-compute-api-version', version] if version else [])]
        printed = nova.run(*options, 'flavor-list', user='user2')
        first_flavor(printed)
        equal(HEADER in printed.err, sent, f'{path} asked for version {version} sends the header of microversions')
    for path in f'/v2/{tenant}', f'/v1.1/{tenant}':
        holds(nova.run('--os-endpoint-override', nova.root + path, '--os-compute-api-version', '2.1', 'flavor-list', user='user2', fails=True).err, "Server doesn't support microversions")
    holds(nova.run('--os-compute-api-version', '2.2', 'flavor-list', user='user2', fails=True).err, "The valid version range is '2.1' to '2.1'")
    holds(nova.run('server-migration-list', 'any', user='user2', fails=True).err, "invalid choice: 'server-migration-list'")
    equal([v['Id'] for v in nova.run('--os-endpoint-override', f'{nova.root}/v2/{tenant}', 'version-list', user='user2').table()], ['v2.0', 'v2.1', 'v1.1'])


@check
def unasked(nova):
    """none, from flags and from the environment, and http_basic, where nobody is asked who they are"""
    with believing_shim(nova.ready['images']) as root:
        basic = ['--os-auth-type', 'http_basic', '--os-username', 'eve', '--os-password', 'any', '--os-endpoint']
        variables = {**UNASKED, 'OS_AUTH_TYPE': 'none', 'OS_ENDPOINT': root + '/v1.1/notused'}
        first_flavor(nova.run('flavor-list', environment=variables))
        equal(nova.run('list', environment=variables).table(), [])
        for name, who, options in ('none', 'notused', ['--os-auth-type', 'none', '--os-endpoint', root + '/v2.1']), ('basic', 'eve', [*basic, root + '/v2.1']):
            run = lambda *arguments: nova.run(*options, *arguments, environment=UNASKED)
            run('boot', '--flavor', 'm1.tiny', '--image', 'journal', name)
            shown = nova.until(lambda: run('show', name).properties(), lambda found: found['status'] == 'ACTIVE')
            equal((shown['tenant_id'], shown['user_id'], shown['name']), (who, who, name))
            equal([s['Name'] for s in run('list').table()], [name])
            equal([s['Name'] for s in nova.run('list', environment=variables).table()], [name] if name == 'none' else [])
            run('delete', name)
            nova.until(lambda: run('list').table(), lambda found: found == [])
            holds(nova.run(*options, 'hypervisor-list', environment=UNASKED, fails=True).err, '(HTTP 403)')
        admin = ['--os-auth-type', 'admin_token', '--os-token', 'admin:web', '--os-endpoint', root + '/v2.1']
        equal([h['Hypervisor hostname'] for h in nova.run(*admin, 'hypervisor-list', environment=UNASKED).table()], ['host1'])
        holds(nova.run(*basic, root + '/v2.1/web', 'list', environment=UNASKED, fails=True).err, "URL's project_id 'web' doesn't match Context's project_id 'eve'")
