import { Double, Int32 } from 'bson';
import { CommandError, notSupported } from '../errors.mjs';
import { numeric, isNumber } from '../documents/values.mjs';
import { readCommands } from './read.mjs';
import { schemaCommands } from './schema.mjs';
import { sessionCommands } from './session.mjs';
import { writeCommands } from './write.mjs';

const COMMANDS = { ...sessionCommands, ...readCommands, ...writeCommands, ...schemaCommands };

/**
 * Executes commands. Each runs within one turn of the event loop and is answered when all it saw or wrote is durable: neither an acknowledged
 * write nor a document somebody has read is lost when the process is killed.
 */
export function createExecutor(catalog, cursors) {
  return async command => {
    const reply = run(command);
    await catalog.durable();
    return reply;
  };

  function run(command) {
    try {
      const [name] = Object.keys(command);
      if (typeof command.$db !== 'string') throw new CommandError(40414, "BSON field '$db' is missing but a required field");
      if (!Object.hasOwn(COMMANDS, name ?? '')) throw new CommandError(59, `no such command: '${name}'`);
      refuseTransaction(command);
      refuseWriteConcern(command.writeConcern);
      return { ...COMMANDS[name](command, { catalog, cursors }), ok: new Double(1) };
    } catch (error) {
      const known = error instanceof CommandError ? error : new CommandError(1, `${error.name}: ${error.message}`);
      if (known !== error) process.stderr.write(`mongodb double: ${error.stack}\n`);
      return { ok: new Double(0), errmsg: known.message, code: new Int32(known.code), codeName: known.codeName, ...known.details };
    }
  }
}

function refuseTransaction(command) {
  if (command.txnNumber !== undefined || command.startTransaction !== undefined) {
    throw new CommandError(20, 'Transaction numbers are only allowed on a replica set member or mongos');
  }
}

function refuseWriteConcern(concern) {
  if (concern === undefined) return;
  if (isNumber(concern.w) && numeric(concern.w) > 1) throw new CommandError(2, "cannot use 'w' > 1 when a host is not replicated");
  if (typeof concern.w === 'string' && concern.w !== 'majority') throw notSupported(`The write concern '${concern.w}'`);
}
