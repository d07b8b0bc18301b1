"""A server's life through Apache Libcloud, once per driver and login. Usage: drivers.py READY-FILE (of compat/serve.sh)."""
import sys

from libcloud.common.exceptions import BaseHTTPError
from libcloud.compute.providers import get_driver
from libcloud.compute.types import NodeState, Provider

from session import Checks, Mismatch, Session, equal

CHECKS = Checks()
check = CHECKS.check


class Client:
    """One of Libcloud's drivers, logged in, and the node that the checks are about."""

    def __init__(self, session, api, login, user, base=None, **options):
        who = session.users[user]
        self.session, self.user, self.api = session, user, api
        self.name = f'{user}-{api}-{login}'
        root = session.ready['identity_url'].removesuffix('/identity/v3')
        self.libcloud = get_driver(Provider.OPENSTACK)(
            who['name'], who['password'], ex_tenant_name=who['project'], api_version=api, ex_force_auth_version=login, ex_force_auth_url=root + ('/v1.1' if login == '1.0' else ''),
            ex_force_base_url=base and base + '/' + session.tenant(user), **options)
        self.node = None

    def image(self):
        """The image of the checks, by name."""
        return next(i for i in self.libcloud.list_images() if i.name == 'journal')

    def size(self, number):
        """A flavor by its id."""
        return next(s for s in self.libcloud.list_sizes() if s.id == number)

    def shown(self):
        """The node as it is now."""
        return self.libcloud.ex_get_node_details(self.node.id)

    def until(self, wanted, read=lambda node: node.extra['vm_state']):
        """Waits until the node is as wanted."""
        self.session.until(lambda: read(self.shown()), lambda found: found == wanted)

    def status(self):
        """The server's status as Nova has it: Libcloud knows only a few."""
        return self.libcloud.connection.request(f'/servers/{self.node.id}').object['server']['status']

    def until_status(self, wanted):
        """Waits until the server has a status."""
        self.session.until(self.status, lambda found: found == wanted)


@check
def sizes(client):
    """sizes"""
    equal([(s.id, s.name, s.ram, s.disk, s.vcpus) for s in client.libcloud.list_sizes()],
          [('1', 'm1.tiny', 512, 1, 1), ('2', 'm1.small', 2048, 20, 1), ('3', 'm1.medium', 4096, 40, 2), ('4', 'm1.large', 8192, 80, 4), ('5', 'm1.xlarge', 16384, 160, 8)])


@check
def images(client):
    """images"""
    equal(sorted((i.id, i.name) for i in client.libcloud.list_images()), sorted((i['id'], i['name']) for i in client.session.ready['images']))


@check
def create(client):
    """create with metadata and a file; list"""
    equal(client.libcloud.list_nodes(), [])
    client.node = client.libcloud.create_node(name=client.name, image=client.image(), size=client.size('1'), ex_metadata={'a': 'b'}, ex_files={'/etc/motd': 'hi'})
    equal(len(client.node.extra['password']), 12)
    client.until_status('ACTIVE')
    [node] = client.libcloud.list_nodes()
    equal((node.id, node.name, node.state, node.extra['flavorId'], node.extra['imageId'], node.extra['metadata']),
          (client.node.id, client.name, NodeState.RUNNING, '1', client.image().id, {'a': 'b'}))


@check
def rename(client):
    """name and metadata"""
    equal(client.libcloud.ex_set_server_name(client.node, 'renamed').name, 'renamed')
    equal(client.libcloud.ex_set_metadata(client.node, {'x': 'y'}), {'x': 'y'})
    equal(client.libcloud.ex_get_metadata(client.node), {'x': 'y'})


@check
def resize(client):
    """resize, confirm; resize, revert"""
    for number, end, stays in ('2', client.libcloud.ex_confirm_resize, '2'), ('3', client.libcloud.ex_revert_resize, '2'):
        client.libcloud.ex_resize(client.node, client.size(number))
        client.until_status('VERIFY_RESIZE')
        equal(client.shown().extra['flavorId'], number)
        end(client.node)
        client.until_status('ACTIVE')
        client.until(stays, lambda node: node.extra['flavorId'])


@check
def wrong_resize(client):
    """resize to the size it has"""
    try:
        client.libcloud.ex_resize(client.node, client.size('2'))
    except BaseHTTPError as error:
        equal(error.code, 400)
    else:
        raise Mismatch('was taken')
    equal(client.status(), 'ACTIVE')


@check
def reboot(client):
    """reboot"""
    client.libcloud.reboot_node(client.node)
    client.until_status('ACTIVE')


@check
def stand_still(client):
    """pause, unpause, suspend, resume"""
    for verb, status in ('ex_pause_node', 'PAUSED'), ('ex_unpause_node', 'ACTIVE'), ('ex_suspend_node', 'SUSPENDED'), ('ex_resume_node', 'ACTIVE'):
        getattr(client.libcloud, verb)(client.node)
        client.until_status(status)


@check
def rescue(client):
    """rescue, unrescue"""
    client.libcloud.ex_rescue(client.node)
    client.until_status('RESCUE')
    client.libcloud.ex_unrescue(client.node)
    client.until_status('ACTIVE')


@check
def snapshot(client):
    """an image of the server, and its end"""
    made = client.libcloud.create_image(client.node, client.name)
    client.session.until(lambda: client.libcloud.get_image(made.id).extra['status'], lambda found: found.upper() == 'ACTIVE')
    client.until(None, lambda node: node.extra['task_state'])
    client.libcloud.delete_image(made)
    equal([i.name for i in client.libcloud.list_images() if i.name == client.name], [])


@check
def key_pairs(client):
    """key pairs"""
    made = client.libcloud.create_key_pair('from ' + client.user)
    equal([(k.name, k.fingerprint) for k in client.libcloud.list_key_pairs()], [(made.name, made.fingerprint)])
    client.libcloud.delete_key_pair(made)
    equal(client.libcloud.list_key_pairs(), [])


@check
def walls(client):
    """another tenant's server"""
    other = Client(client.session, '1.1', '2.0_password', 'user5', client.session.ready['compute_url']['v1.1']).libcloud
    equal((other.ex_get_node_details(client.node.id), other.list_nodes()), (None, []), 'what another tenant is shown')


@check
def destroy(client):
    """destroy"""
    client.libcloud.destroy_node(client.node)
    client.session.until(client.libcloud.list_nodes, lambda found: found == [])


def main(ready_file):
    """Runs every check with every driver; the exit status says whether all held."""
    session = Session(ready_file, None, 'libcloud')
    v11 = session.ready['compute_url']['v1.1']
    for client in (
            Client(session, '1.1', '1.0', 'user1', v11),
            Client(session, '1.1', '2.0_password', 'user2', v11),
            Client(session, '2.0', '3.x_password', 'user3', ex_domain_name='Default'),
            Client(session, '2.1', '3.x_password', 'user4', ex_domain_name='Default')):
        for test in CHECKS:
            session.check(f'{client.name}: {test.__doc__}', lambda _, test=test, client=client: test(client))
    return session.finish()


if __name__ == '__main__':
    sys.exit(main(sys.argv[1]))
