import { Int32, Long, Double, ObjectId, Timestamp } from 'bson';
import { CommandError, badValue, failedToParse, notSupported } from '../errors.mjs';
import { compileFilter, equalitiesOf, isOperators } from './filter.mjs';
import { compileSort } from './sort.mjs';
import { compare, deserialize, equal, isNumber, isPlainObject, numeric, serialize } from './values.mjs';

/**
 * Compiles the `u` of an update: a replacement, or operators. The result makes a new document from an old one and never touches the old.
 * `inserting` is true while an upsert builds its document, when $setOnInsert applies.
 */
export function compileUpdate(update, { multi = false, arrayFilters } = {}) {
  if (Array.isArray(update)) throw notSupported('An update by pipeline');
  if (!isPlainObject(update)) throw failedToParse('Update argument must be either an object or an array');
  if (arrayFilters?.length > 0) throw notSupported('arrayFilters');
  if (!isOperators(update)) {
    if (multi) throw failedToParse('multi update is not supported for replacement-style update');
    refuseDollars(update);
    return { replacement: true, apply: old => keepId(old, update) };
  }
  const touched = [];
  const steps = Object.entries(update).flatMap(([name, changes]) => {
    const operator = OPERATORS[name];
    if (operator === undefined) throw failedToParse(`Unknown modifier: ${name}. Expected a valid update modifier or pipeline-style update specified as an array`);
    if (!isPlainObject(changes)) throw failedToParse(`Modifiers operate on fields but we found type ${typeof changes} instead. For example: {$mod: {<field>: ...}}`);
    return Object.entries(changes).map(([path, argument]) => {
      refusePath(path, touched);
      if (isPlainObject(argument) && (name === '$set' || name === '$setOnInsert')) refuseDollars(argument);
      return { name, path: path.split('.'), argument, operator };
    });
  });
  const apply = (old, inserting = false) => {
    const document = deserialize(serialize(old));
    for (const { name, path, argument, operator } of steps) {
      if (name === '$setOnInsert' && !inserting) continue;
      operator(document, path, argument);
    }
    if (!inserting && !equal(document._id, old._id)) throw immutableId();
    return document;
  };
  return { replacement: false, apply };
}

/** The document an upsert starts from: what the filter says must be equal. */
export function seedOf(filter) {
  const seed = {};
  for (const [path, values] of equalitiesOf(filter)) {
    if (values.length === 1) set(seed, path.split('.'), values[0]);
  }
  return seed;
}

const immutableId = () => new CommandError(66, "Performing an update on the path '_id' would modify the immutable field '_id'");

function keepId(old, replacement) {
  if (Object.hasOwn(replacement, '_id')) {
    if (Object.hasOwn(old, '_id') && !equal(old._id, replacement._id)) throw immutableId();
    return { _id: replacement._id, ...replacement };
  }
  return Object.hasOwn(old, '_id') ? { _id: old._id, ...replacement } : { _id: new ObjectId(), ...replacement };
}

function refuseDollars(value) {
  for (const [name, inner] of Object.entries(value)) {
    if (name.startsWith('$')) throw new CommandError(52, `The dollar ($) prefixed field '${name}' is not valid for storage.`);
    if (isPlainObject(inner)) refuseDollars(inner);
    else if (Array.isArray(inner)) inner.filter(isPlainObject).forEach(refuseDollars);
  }
}

function refusePath(path, touched) {
  const parts = path.split('.');
  if (parts.includes('')) throw new CommandError(56, `The update path '${path}' contains an empty field name, which is not allowed.`);
  if (parts.some(part => part === '$' || part.startsWith('$['))) throw notSupported('A positional update path');
  if (parts.some(part => part.startsWith('$'))) throw new CommandError(52, `The dollar ($) prefixed field in '${path}' is not valid for storage.`);
  for (const other of touched) {
    if (other === path || other.startsWith(`${path}.`) || path.startsWith(`${other}.`)) {
      throw new CommandError(40, `Updating the path '${path}' would create a conflict at '${other}'`);
    }
  }
  touched.push(path);
}

/** The object or array that holds the last part of a path. Where `create` is set, what is missing on the way is made. */
function holder(document, path, create) {
  let at = document;
  for (const part of path.slice(0, -1)) {
    let next = Object.hasOwn(at, part) ? at[part] : undefined;
    if (next === undefined) {
      if (!create) return null;
      next = {};
      put(at, part, next);
    }
    if (next === null || typeof next !== 'object' || !(isPlainObject(next) || Array.isArray(next))) {
      if (!create) return null;
      throw new CommandError(28, `Cannot create field '${path.at(-1)}' in element {${part}: ${String(next)}}`);
    }
    at = next;
  }
  return at;
}

function put(target, name, value) {
  if (!Array.isArray(target)) {
    target[name] = value;
    return;
  }
  if (!/^\d+$/.test(name)) throw new CommandError(28, `Cannot create field '${name}' in an array`);
  while (target.length < Number(name)) target.push(null);
  target[Number(name)] = value;
}

const get = (document, path) => {
  const target = holder(document, path, false);
  return target !== null && Object.hasOwn(target, path.at(-1)) ? target[path.at(-1)] : undefined;
};

const set = (document, path, value) => put(holder(document, path, true), path.at(-1), value);

function unset(document, path) {
  const target = holder(document, path, false);
  if (Array.isArray(target)) {
    if (Object.hasOwn(target, path.at(-1))) target[path.at(-1)] = null;
  } else if (target !== null) delete target[path.at(-1)];
}

/** Adds or multiplies, keeping the widest of the two types; an int32 that overflows becomes an int64. */
function arithmetic(name, initial, compute) {
  return (document, path, argument) => {
    if (!isNumber(argument)) throw new CommandError(14, `Cannot ${name} with non-numeric argument: {${path.join('.')}: ${String(argument)}}`);
    const old = get(document, path);
    if (old === undefined) {
      set(document, path, initial(argument));
      return;
    }
    if (!isNumber(old)) throw new CommandError(14, `Cannot apply $${name} to a value of non-numeric type. {_id: ${String(document._id)}} has the field '${path.at(-1)}' of non-numeric type`);
    const types = [old._bsontype, argument._bsontype];
    if (types.includes('Decimal128')) throw notSupported('Arithmetic on Decimal128');
    if (types.includes('Double')) {
      set(document, path, new Double(compute(Number(numeric(old)), Number(numeric(argument)))));
      return;
    }
    const result = compute(BigInt(numeric(old)), BigInt(numeric(argument)));
    if (BigInt.asIntN(64, result) !== result) throw badValue(`Failed to apply $${name} operations to current value: the result does not fit into 64 bits`);
    set(document, path, types.includes('Long') || BigInt.asIntN(32, result) !== result ? Long.fromBigInt(result) : new Int32(Number(result)));
  };
}

function extreme(sign) {
  return (document, path, argument) => {
    const old = get(document, path);
    if (old === undefined || compare(argument, old) * sign > 0) set(document, path, argument);
  };
}

function arrayAt(document, path, name) {
  const old = get(document, path);
  if (old === undefined) {
    set(document, path, []);
    return get(document, path);
  }
  if (!Array.isArray(old)) throw badValue(`The field '${path.join('.')}' must be an array but is not, in ${name}`);
  return old;
}

function push(document, path, argument) {
  const array = arrayAt(document, path, '$push');
  if (!isPlainObject(argument) || !Object.hasOwn(argument, '$each')) {
    array.push(argument);
    return;
  }
  const { $each, $position, $sort, $slice, ...unknown } = argument;
  if (Object.keys(unknown).length > 0) throw badValue(`Unrecognized clause in $push: ${Object.keys(unknown)[0]}`);
  if (!Array.isArray($each)) throw badValue('The argument to $each in $push must be an array');
  array.splice($position === undefined ? array.length : Number(numeric($position)), 0, ...$each);
  if (isPlainObject($sort)) array.sort(compileSort($sort));
  else if ($sort !== undefined) array.sort((a, b) => compare(a, b) * Number(numeric($sort)));
  if ($slice !== undefined) {
    const count = Number(numeric($slice));
    array.splice(0, array.length, ...(count < 0 ? array.slice(count) : array.slice(0, count)));
  }
}

function addToSet(document, path, argument) {
  const array = arrayAt(document, path, '$addToSet');
  for (const value of isPlainObject(argument) && Array.isArray(argument.$each) ? argument.$each : [argument]) {
    if (!array.some(present => equal(present, value))) array.push(value);
  }
}

function remove(document, path, matches) {
  const array = get(document, path);
  if (array === undefined) return;
  if (!Array.isArray(array)) throw badValue('Cannot apply $pull to a non-array value');
  set(document, path, array.filter(element => !matches(element)));
}

function pull(document, path, argument) {
  if (!isPlainObject(argument)) remove(document, path, element => equal(element, argument));
  else if (isOperators(argument)) {
    const matches = compileFilter({ element: argument });
    remove(document, path, element => matches({ element }));
  } else {
    const matches = compileFilter(argument);
    remove(document, path, element => isPlainObject(element) && matches(element));
  }
}

const OPERATORS = {
  $set: set,
  $setOnInsert: set,
  $unset: unset,
  $inc: arithmetic('increment', argument => argument, (a, b) => a + b),
  $mul: arithmetic('multiply', argument => (argument._bsontype === 'Long' ? Long.ZERO : argument._bsontype === 'Double' ? new Double(0) : new Int32(0)), (a, b) => a * b),
  $min: extreme(-1),
  $max: extreme(1),
  $push: push,
  $addToSet: addToSet,
  $pull: pull,
  $pullAll: (document, path, argument) => remove(document, path, element => argument.some(value => equal(element, value))),
  $pop: (document, path, argument) => {
    const array = get(document, path);
    if (Array.isArray(array)) Number(numeric(argument)) < 0 ? array.shift() : array.pop();
  },
  $rename: (document, path, argument) => {
    const value = get(document, path);
    if (value === undefined) return;
    unset(document, path);
    set(document, String(argument).split('.'), value);
  },
  $currentDate: (document, path, argument) => {
    const wantsTimestamp = isPlainObject(argument) && argument.$type === 'timestamp';
    set(document, path, wantsTimestamp ? new Timestamp({ t: Math.floor(Date.now() / 1000), i: 1 }) : new Date());
  },
};
