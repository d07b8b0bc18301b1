import { CommandError } from '../errors.mjs';
import { isNumber, isPlainObject, numeric } from '../documents/values.mjs';

/** What every command may carry beside its own arguments. */
const GENERIC = new Set([
  '$db', '$readPreference', '$clusterTime', 'lsid', 'maxTimeMS', 'comment', 'readConcern', 'writeConcern', 'apiVersion', 'apiStrict', 'apiDeprecationErrors',
]);

/** Refuses arguments a command does not have. */
export function expectOnly(command, names) {
  const [name] = Object.keys(command);
  for (const argument of Object.keys(command)) {
    if (argument !== name && !GENERIC.has(argument) && !names.includes(argument)) throw new CommandError(40415, `BSON field '${name}.${argument}' is an unknown field.`);
  }
  if (command.collation !== undefined && command.collation.locale !== 'simple') throw new CommandError(238, 'A collation is not supported by this test double');
}

export function collectionName(command) {
  const [name] = Object.keys(command);
  if (typeof command[name] !== 'string') throw new CommandError(73, `collection name has invalid type: the argument of ${name} must be a string`);
  return command[name];
}

/** An argument that is a document; {} when it is not given. */
export function documentArgument(command, name) {
  const value = command[name] ?? {};
  if (!isPlainObject(value)) throw new CommandError(14, `Expected field ${name} to be of type object`);
  return value;
}

/** An argument that is a whole number ≥ 0; `otherwise` when it is not given. */
export function countArgument(command, name, otherwise) {
  const value = command[name];
  if (value === undefined || value === null) return otherwise;
  if (!isNumber(value)) throw new CommandError(14, `Expected field ${name} to be a number`);
  const count = Number(numeric(value));
  if (!Number.isInteger(count) || count < 0) throw new CommandError(2, `${name} must be a whole number, 0 or greater: ${count}`);
  return count;
}

/** An argument that is a list of documents. */
export function documentsArgument(command, name) {
  const value = command[name];
  if (!Array.isArray(value) || !value.every(isPlainObject)) throw new CommandError(14, `Expected field ${name} to be an array of objects`);
  return value;
}
