import { deserialize, isPlainObject, serialize } from '../documents/values.mjs';

/** Frames of MongoDB's wire protocol: OP_MSG both ways, and OP_QUERY/OP_REPLY, in which drivers send their first hello. */
const OP_REPLY = 1;
const OP_QUERY = 2004;
const OP_MSG = 2013;

const HEADER = 16;
const CHECKSUM_PRESENT = 1;
const MORE_TO_COME = 2;
const KNOWN_REQUIRED_FLAGS = CHECKSUM_PRESENT | MORE_TO_COME;

export const MAX_MESSAGE_BYTES = 48_000_000;

/** What came in is no message of this protocol: the connection it came on cannot be used any longer. */
export class MalformedMessage extends Error {}

/** Cuts whole messages off the front of what a connection has received. Returns the messages and the rest. */
export function takeMessages(received) {
  const messages = [];
  let rest = received;
  while (rest.length >= 4) {
    const length = rest.readInt32LE(0);
    if (length < HEADER || length > MAX_MESSAGE_BYTES) throw new MalformedMessage(`a message of ${length} bytes`);
    if (rest.length < length) break;
    messages.push(parse(rest.subarray(0, length)));
    rest = rest.subarray(length);
  }
  return { messages, rest };
}

function parse(bytes) {
  const requestId = bytes.readInt32LE(4);
  const opCode = bytes.readInt32LE(12);
  try {
    if (opCode === OP_MSG) return { requestId, opCode, ...parseMsg(bytes) };
    if (opCode === OP_QUERY) return { requestId, opCode, ...parseQuery(bytes) };
  } catch (error) {
    throw new MalformedMessage(error.message);
  }
  throw new MalformedMessage(`opcode ${opCode}`);
}

function parseMsg(bytes) {
  const flags = bytes.readUInt32LE(HEADER);
  if ((flags & 0xffff & ~KNOWN_REQUIRED_FLAGS) !== 0) throw new Error(`unknown required flags ${flags}`);
  const end = bytes.length - (flags & CHECKSUM_PRESENT ? 4 : 0);
  let command = null;
  const sequences = {};
  let at = HEADER + 4;
  while (at < end) {
    const kind = bytes[at++];
    if (kind === 0) {
      if (command !== null) throw new Error('two bodies');
      const body = documentAt(bytes, at, end);
      command = deserialize(body);
      at += body.length;
    } else if (kind === 1) {
      const size = bytes.readInt32LE(at);
      const sectionEnd = at + size;
      if (size < 5 || sectionEnd > end) throw new Error(`a section of ${size} bytes`);
      const [name, first] = cstring(bytes, at + 4, sectionEnd);
      const documents = [];
      for (let next = first; next < sectionEnd; ) {
        const body = documentAt(bytes, next, sectionEnd);
        documents.push(deserialize(body));
        next += body.length;
      }
      sequences[name] = documents;
      at = sectionEnd;
    } else throw new Error(`a section of kind ${kind}`);
  }
  if (command === null) throw new Error('no body');
  return { command: { ...command, ...sequences }, wantsReply: (flags & MORE_TO_COME) === 0 };
}

function parseQuery(bytes) {
  const [namespace, at] = cstring(bytes, HEADER + 4, bytes.length);
  const [database, collection] = [namespace.slice(0, namespace.indexOf('.')), namespace.slice(namespace.indexOf('.') + 1)];
  if (collection !== '$cmd') throw new Error('a query of the old kind');
  const command = deserialize(documentAt(bytes, at + 8, bytes.length));
  const inner = isPlainObject(command.$query) ? command.$query : command;
  return { command: { ...inner, $db: database }, wantsReply: true };
}

function documentAt(bytes, at, end) {
  const size = bytes.readInt32LE(at);
  if (size < 5 || at + size > end) throw new Error(`a document of ${size} bytes`);
  return bytes.subarray(at, at + size);
}

function cstring(bytes, at, end) {
  const zero = bytes.indexOf(0, at);
  if (zero < 0 || zero >= end) throw new Error('a name without an end');
  return [bytes.toString('utf8', at, zero), zero + 1];
}

/** The frame that answers a message, in the form it was asked in. */
export function encodeReply(request, reply, responseId) {
  const body = encodeDocument(reply);
  const prefix = request.opCode === OP_QUERY ? legacyPrefix() : msgPrefix();
  const header = Buffer.alloc(HEADER);
  header.writeInt32LE(HEADER + prefix.length + body.length, 0);
  header.writeInt32LE(responseId, 4);
  header.writeInt32LE(request.requestId, 8);
  header.writeInt32LE(request.opCode === OP_QUERY ? OP_REPLY : OP_MSG, 12);
  return Buffer.concat([header, prefix, body]);
}

const msgPrefix = () => Buffer.alloc(5); // no flags, one section of kind 0

function legacyPrefix() {
  const prefix = Buffer.alloc(20); // flags, cursor id, starting from
  prefix.writeInt32LE(8, 0); // await capable, as every server since 2.6 says
  prefix.writeInt32LE(1, 16);
  return prefix;
}

/** Encodes a document in which a Buffer stands for a document that is encoded already: stored bytes are answered as they are. */
function encodeDocument(document) {
  const parts = Object.entries(document).flatMap(([name, value]) => encodeElement(name, value));
  const length = parts.reduce((sum, part) => sum + part.length, 0) + 5;
  const head = Buffer.alloc(4);
  head.writeInt32LE(length, 0);
  return Buffer.concat([head, ...parts, Buffer.alloc(1)]);
}

function encodeElement(name, value) {
  if (value === undefined) return [];
  if (Buffer.isBuffer(value)) return [tag(0x03, name), value];
  if (Array.isArray(value)) return [tag(0x04, name), encodeDocument(Object.assign({}, value))];
  if (isPlainObject(value)) return [tag(0x03, name), encodeDocument(value)];
  const whole = serialize({ [name]: value });
  return [whole.subarray(4, -1)];
}

const tag = (type, name) => Buffer.concat([Buffer.from([type]), Buffer.from(name, 'utf8'), Buffer.alloc(1)]);
