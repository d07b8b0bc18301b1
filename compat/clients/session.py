"""Drives a command-line client of OpenStack against the cloud of compat/serve.sh, and counts what holds of what it prints.

Each command is a process of its own, forked from this one, which has read the client's code: starting Python and reading that would be most of the time that a run takes.
"""
import json
import os
import sys
import tempfile
import time
import traceback
import urllib.request


class Mismatch(Exception):
    """Something that was printed is not what it should be."""


class Checks(list):
    """Checks in the order in which they are run; the docstring of each is its name."""

    def check(self, test):
        """Adds one; to be written above it."""
        self.append(test)
        return test


class Result:
    """What one command printed, and its exit status."""

    def __init__(self, command, status, out, err):
        self.command, self.status, self.out, self.err = command, status, out, err

    def table(self):
        """The rows of the printed table, each a dictionary by the table's head."""
        lines = [[cell.strip() for cell in line.strip().strip('|').split(' | ')] for line in self.out.splitlines() if line.startswith('|')]
        if not lines:
            raise Mismatch(f'no table: {self.out!r} {self.err!r}')
        head, rows = lines[0], lines[1:]
        return [dict(zip(head, [cell.strip(' |') for cell in row])) for row in rows]

    def properties(self):
        """A table of two columns as one dictionary."""
        return {next(iter(row.values())): list(row.values())[1] for row in self.table()}

    def row(self, **wanted):
        """The one row that has these values; spaces in names of columns are underscores here."""
        found = [r for r in self.table() if all(r.get(k.replace('_', ' ')) == v for k, v in wanted.items())]
        if len(found) != 1:
            raise Mismatch(f'{len(found)} rows with {wanted}:\n{self.out}')
        return found[0]


class Session:
    """A cloud's ready file, the users in it, and the count of what was checked."""

    def __init__(self, ready_file, main, program):
        with open(ready_file, encoding='utf-8') as file:
            self.ready = json.load(file)
        self._main, self._program = main, program
        self.passed = self.failed = 0
        self.users = {user['name']: user for user in self.ready['users']}

    def environment(self, user):
        """What a user's openrc sets."""
        who = self.users[user]
        return {
            'OS_AUTH_URL': self.ready['identity_url'], 'OS_USERNAME': who['name'], 'OS_PASSWORD': who['password'], 'OS_PROJECT_NAME': who['project'],
            'OS_USER_DOMAIN_NAME': who['domain'], 'OS_PROJECT_DOMAIN_NAME': who['domain'], 'OS_IDENTITY_API_VERSION': '3',
        }

    def log_in(self, user):
        """A token of a user, and the id of the tenant that it is for."""
        who = self.users[user]
        scope = {'project': {'name': who['project'], 'domain': {'name': who['domain']}}}
        password = {'user': {'name': who['name'], 'password': who['password'], 'domain': {'name': who['domain']}}}
        body = json.dumps({'auth': {'identity': {'methods': ['password'], 'password': password}, 'scope': scope}}).encode()
        with urllib.request.urlopen(urllib.request.Request(self.ready['identity_url'] + '/auth/tokens', body, {'Content-Type': 'application/json'})) as answer:
            return answer.headers['X-Subject-Token'], json.load(answer)['token']['project']['id']

    def tenant(self, user):
        """The id of a user's tenant."""
        return self.log_in(user)[1]

    @property
    def root(self):
        """The address of the whole."""
        return self.ready['identity_url'].removesuffix('/identity/v3')

    def run(self, *arguments, user='user1', environment=None, fails=False):
        """Runs one command. Its exit status must be as expected."""
        out, err = tempfile.TemporaryFile('w+'), tempfile.TemporaryFile('w+')
        child = os.fork()
        if child == 0:
            self._be_the_client(arguments, self.environment(user) if environment is None else environment, out, err)
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        out.seek(0)
        err.seek(0)
        result = Result(' '.join(arguments), status, out.read(), err.read())
        if (status != 0) != fails:
            raise Mismatch(f'{self._program} {result.command}: exit status {status}\n{result.out}{result.err}')
        return result

    def _be_the_client(self, arguments, environment, out, err):
        """Never returns: the process ends with the command's exit status."""
        status = 1
        try:
            os.dup2(out.fileno(), 1)
            os.dup2(err.fileno(), 2)
            for name in [n for n in os.environ if n.startswith('OS_')]:
                del os.environ[name]
            os.environ.update(environment)
            try:
                status = self._main(list(arguments)) or 0
            except SystemExit as end:
                status = end.code if isinstance(end.code, int) else int(end.code is not None)
        except BaseException:
            traceback.print_exc()
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(status)

    def check(self, name, test):
        """Counts one check and says why when it does not hold."""
        began = time.monotonic()
        try:
            test(self)
        except Exception as error:  # Whatever it is, the other checks are to be run.
            self.failed += 1
            print(f'FAILED  {name}')
            print('        ' + (str(error) if isinstance(error, (Mismatch, AssertionError)) and str(error) else traceback.format_exc()).replace('\n', '\n        '), flush=True)
        else:
            self.passed += 1
            print(f'passed  {name} ({time.monotonic() - began:.1f} s)', flush=True)

    def until(self, read, wanted, seconds=180):
        """Reads until it is what is wanted."""
        end = time.monotonic() + seconds
        while True:
            found = read()
            if wanted(found):
                return found
            if time.monotonic() > end:
                raise Mismatch(f'still {found} after {seconds} s')
            time.sleep(0.3)

    def finish(self):
        """Prints the count; the exit status says whether all held."""
        print(f'{self.passed} passed, {self.failed} failed')
        return 0 if self.failed == 0 and self.passed > 0 else 1


def equal(found, wanted, what=''):
    """Raises unless two values are equal."""
    if found != wanted:
        raise Mismatch(f'{what}: {found!r} is not {wanted!r}')


def holds(text, part):
    """Raises unless a text has a part."""
    if part not in text:
        raise Mismatch(f'{part!r} is not in {text!r}')
