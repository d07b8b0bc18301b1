"""The ways in which python-openstackclient is told who somebody is and where the compute service is, beside a password for Identity v3."""
import json

from believing import believing_shim
from session import Checks, equal, holds

CHECKS = Checks()
check = CHECKS.check


def listed(osc, options, *command):
    return json.loads(osc.run(*options, *command, '-f', 'json', environment={}).out)


@check
def token(osc):
    """a token of an administrator and a URL, and a token given for another one"""
    options = ['--os-auth-type', 'admin_token', '--os-token', osc.log_in('admin')[0], '--os-endpoint', osc.root + '/v2.1']
    equal([f['Name'] for f in listed(osc, options, 'flavor', 'list')], ['m1.tiny', 'm1.small', 'm1.medium', 'm1.large', 'm1.xlarge'])
    equal(sorted(s['Host'] for s in listed(osc, options, 'compute', 'service', 'list', '--service', 'nova-compute')), ['host1', 'host2'])
    equal(listed(osc, options, 'server', 'list', '-n'), [])
    settings = {name: value for name, value in osc.environment('user1').items() if name not in ('OS_USERNAME', 'OS_PASSWORD', 'OS_USER_DOMAIN_NAME')}
    settings.update(OS_AUTH_TYPE='token', OS_TOKEN=osc.log_in('user1')[0])
    equal(json.loads(osc.run('token', 'issue', '-f', 'json', environment=settings).out)['project_id'], osc.tenant('user1'))
    holds(osc.run('server', 'list', environment={**settings, 'OS_TOKEN': 'wrong'}, fails=True).err, '(HTTP 401)')


@check
def unasked(osc):
    """none and http_basic, where nobody is asked who they are"""
    with believing_shim(osc.ready['images']) as root:
        for name, options in ('none', ['--os-auth-type', 'none']), ('basic', ['--os-auth-type', 'http_basic', '--os-username', 'eve', '--os-password', 'any']):
            options = [*options, '--os-endpoint', root + '/v2.1']
            equal([f['ID'] for f in listed(osc, options, 'flavor', 'list')], ['1', '2', '3', '4', '5'])
            created = listed(osc, options, 'server', 'create', '--flavor', 'm1.tiny', '--image', osc.ready['images'][0]['id'], name)
            equal((created['name'], created['project_id']), (name, 'eve' if name == 'basic' else 'notused'))
            servers = lambda: [(s['Name'], s['Status']) for s in listed(osc, options, 'server', 'list', '-n')]
            osc.until(servers, lambda found: found == [(name, 'ACTIVE')])
            osc.run(*options, 'server', 'delete', name, environment={})
            osc.until(servers, lambda found: found == [])
            holds(osc.run(*options, 'hypervisor', 'list', environment={}, fails=True).err, '(HTTP 403)')
