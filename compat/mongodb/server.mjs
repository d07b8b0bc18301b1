#!/usr/bin/env node
import { rename, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { parseArgs } from 'node:util';
import { createExecutor } from './commands/executor.mjs';
import { Catalog } from './storage/catalog.mjs';
import { serve } from './wire/connection.mjs';
import { Cursors } from './wire/cursors.mjs';

const HELP = `usage: node server.mjs --port N --data DIR [--ready FILE]

A TEST DOUBLE that speaks MongoDB's wire protocol. It is not a database and no part of MongoDB: one process, everything in memory and in one log,
no authentication, no TLS, no replication, no transactions, no change streams. What it cannot do it refuses; it never pretends.

  --port N      the port to listen on, on 127.0.0.1; 0 = a free one
  --data DIR    where the log is kept; a restart on the same folder has kept every acknowledged write
  --ready FILE  written when connections are accepted: {"uri": "mongodb://…", "pid": N}
  --help        this text

SIGTERM and SIGINT end it.
`;

function fail(message) {
  process.stderr.write(`mongodb double: ${message}\n`);
  process.exit(1);
}

function readArguments() {
  const options = { port: { type: 'string', default: '0' }, data: { type: 'string' }, ready: { type: 'string' }, help: { type: 'boolean', default: false } };
  try {
    return parseArgs({ options }).values;
  } catch (error) {
    return fail(error.message);
  }
}

const values = readArguments();
if (values.help) {
  process.stdout.write(HELP);
  process.exit(0);
}
const port = Number(values.port);
if (!Number.isInteger(port) || port < 0 || port > 65535) fail(`--port: '${values.port}' is no port`);
if (!values.data) fail('--data DIR is missing');

// A log that cannot be written can keep no promise: the process ends rather than acknowledge anything more.
const catalog = await Catalog.open(values.data, error => fail(`the log cannot be written: ${error.message}`));
const execute = createExecutor(catalog, new Cursors());
const sockets = new Set();
const server = createServer(socket => {
  sockets.add(socket);
  socket.on('close', () => sockets.delete(socket));
  serve(socket, execute);
});
server.on('error', error => fail(error.message));
server.listen(port, '127.0.0.1', async () => {
  const uri = `mongodb://127.0.0.1:${server.address().port}`;
  process.stdout.write(`mongodb double: ${uri}\n`);
  if (!values.ready) return;
  await writeFile(`${values.ready}.new`, `${JSON.stringify({ uri, pid: process.pid })}\n`);
  await rename(`${values.ready}.new`, values.ready);
});

for (const signal of ['SIGTERM', 'SIGINT']) {
  process.once(signal, async () => {
    server.close();
    for (const socket of sockets) socket.destroy();
    await catalog.close();
    process.exit(0);
  });
}
