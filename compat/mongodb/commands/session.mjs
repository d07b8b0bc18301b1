import { Int32, Long } from 'bson';
import { MAX_MESSAGE_BYTES } from '../wire/messages.mjs';
import { MAX_DOCUMENT_BYTES } from '../storage/collection.mjs';

/** MongoDB 4.4: the oldest that MongoDB.Driver 3.14 talks to. */
const MAX_WIRE_VERSION = 9;
const VERSION = '4.4.29';

let connections = 0;

/**
 * A standalone server. There is no topologyVersion in it on purpose: it would make drivers wait for changes in a stream of replies, which this
 * server does not have, and ask again at once.
 */
function hello(command) {
  return {
    ...('hello' in command ? { isWritablePrimary: true } : { ismaster: true }),
    helloOk: true,
    maxBsonObjectSize: new Int32(MAX_DOCUMENT_BYTES),
    maxMessageSizeBytes: new Int32(MAX_MESSAGE_BYTES),
    maxWriteBatchSize: new Int32(100_000),
    localTime: new Date(),
    logicalSessionTimeoutMinutes: new Int32(30),
    connectionId: new Int32(++connections),
    minWireVersion: new Int32(0),
    maxWireVersion: new Int32(MAX_WIRE_VERSION),
    readOnly: false,
  };
}

const nothing = () => ({});

const buildInfo = () => ({
  version: VERSION,
  versionArray: VERSION.split('.').map(part => new Int32(Number(part))).concat(new Int32(0)),
  gitVersion: 'novashim test double',
  modules: [],
  bits: new Int32(64),
  debug: false,
  maxBsonObjectSize: new Int32(MAX_DOCUMENT_BYTES),
});

/** Commands about the connection, not about data. */
export const sessionCommands = {
  hello,
  ismaster: hello,
  isMaster: hello,
  ping: nothing,
  buildInfo,
  buildinfo: buildInfo,
  endSessions: nothing,
  refreshSessions: nothing,
  killSessions: nothing,
  connectionStatus: () => ({ authInfo: { authenticatedUsers: [], authenticatedUserRoles: [] } }),
  whatsmyuri: () => ({ you: '127.0.0.1:0' }),
  getParameter: command => ({ ...('featureCompatibilityVersion' in command ? { featureCompatibilityVersion: { version: '4.4' } } : {}) }),
  killCursors: (command, { cursors }) => {
    const [killed, missing] = [[], []];
    for (const id of command.cursors ?? []) (cursors.kill(id) ? killed : missing).push(Long.fromValue(id));
    return { cursorsKilled: killed, cursorsNotFound: missing, cursorsAlive: [], cursorsUnknown: [] };
  },
};
