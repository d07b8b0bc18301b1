import mingo from 'mingo';
import { badValue, notSupported } from '../errors.mjs';
import { valuesAt } from './paths.mjs';
import { compare, equal, isNumber, isPlainObject, numeric, toPlain, toRegExp, truthy, typeRank } from './values.mjs';

/** Compiles a query filter into a predicate over a document. Whatever it does not know is refused, as MongoDB does. */
export function compileFilter(filter) {
  const predicates = Object.entries(filter).map(([name, argument]) => (name.startsWith('$') ? topLevel(name, argument) : field(name, argument)));
  return document => predicates.every(predicate => predicate(document));
}

/**
 * What a filter says must be equal: path → the values it may have. Only what holds for every match is named, so that a hash index over one of
 * these paths yields every candidate.
 */
export function equalitiesOf(filter, found = new Map()) {
  for (const [name, argument] of Object.entries(filter)) {
    if (name === '$and') for (const part of argument) equalitiesOf(part, found);
    if (name.startsWith('$')) continue;
    const values = isOperators(argument) ? (Object.hasOwn(argument, '$eq') ? [argument.$eq] : argument.$in) : [argument];
    if (values && !values.some(value => value?._bsontype === 'BSONRegExp')) found.set(name, values);
  }
  return found;
}

export const isOperators = argument => isPlainObject(argument) && Object.keys(argument)[0]?.startsWith('$') === true;

function topLevel(name, argument) {
  switch (name) {
    case '$and': {
      const all = branches(name, argument);
      return document => all.every(branch => branch(document));
    }
    case '$or': {
      const any = branches(name, argument);
      return document => any.some(branch => branch(document));
    }
    case '$nor': {
      const none = branches(name, argument);
      return document => !none.some(branch => branch(document));
    }
    case '$expr': {
      const query = new mingo.Query({ $expr: toPlain(argument) }, { scriptEnabled: false });
      return document => query.test(toPlain(document));
    }
    case '$comment':
      return () => true;
    case '$where':
    case '$text':
    case '$jsonSchema':
      throw notSupported(name);
    default:
      throw badValue(`unknown top level operator: ${name}`);
  }
}

function branches(name, argument) {
  if (!Array.isArray(argument)) throw badValue(`${name} must be an array`);
  if (argument.length === 0) throw badValue('$and/$or/$nor must be a nonempty array');
  return argument.map(branch => {
    if (!isPlainObject(branch)) throw badValue('$or/$and/$nor entries need to be full objects');
    return compileFilter(branch);
  });
}

function field(path, argument) {
  const tests = isOperators(argument) ? operators(argument) : [equality(argument)];
  return document => {
    const values = valuesAt(document, path);
    return tests.every(test => test(values));
  };
}

function operators(argument) {
  return Object.entries(argument).flatMap(([name, value]) => {
    if (name === '$options') {
      if (!Object.hasOwn(argument, '$regex')) throw badValue('$options needs a $regex');
      return [];
    }
    const make = OPERATORS[name];
    if (make === undefined) throw badValue(`unknown operator: ${name}`);
    return [make(value, argument)];
  });
}

/** Holds when a value, or an element of a value that is an array, passes. */
const any = test => values => values.some(value => test(value) || (Array.isArray(value) && value.some(test)));

const not = test => values => !test(values);

function equality(argument) {
  if (argument?._bsontype === 'BSONRegExp') return pattern(argument);
  return any(value => equal(value, argument));
}

function comparison(argument, accepts) {
  const rank = typeRank(argument);
  return any(value => typeRank(value) === rank && accepts(compare(value, argument)));
}

function pattern(argument, options) {
  const source = argument?._bsontype === 'BSONRegExp' ? argument.pattern : argument;
  if (typeof source !== 'string') throw badValue('$regex has to be a string');
  const flags = options ?? argument.options ?? '';
  if (/[^imsx]/.test(flags)) throw badValue(`invalid flag in regex options: ${flags}`);
  if (flags.includes('x')) throw notSupported("The regex option 'x'");
  let expression;
  try {
    expression = toRegExp(source, flags);
  } catch {
    throw badValue(`Regular expression is invalid: ${source}`);
  }
  return any(value => typeof value === 'string' && expression.test(value));
}

function list(name, argument) {
  if (!Array.isArray(argument)) throw badValue(`${name} needs an array`);
  return argument;
}

function oneOf(name, argument) {
  const tests = list(name, argument).map(equality);
  return values => tests.some(test => test(values));
}

const TYPE_NAMES = {
  double: ['Double'], string: ['string'], object: ['object'], array: ['array'], binData: ['Binary'], objectId: ['ObjectId'], bool: ['boolean'],
  date: ['date'], null: ['null'], regex: ['BSONRegExp'], int: ['Int32'], long: ['Long'], decimal: ['Decimal128'], timestamp: ['Timestamp'],
  number: ['Int32', 'Long', 'Double', 'Decimal128'],
};
const TYPE_NUMBERS = { 1: 'double', 2: 'string', 3: 'object', 4: 'array', 5: 'binData', 7: 'objectId', 8: 'bool', 9: 'date', 10: 'null', 11: 'regex', 16: 'int', 17: 'timestamp', 18: 'long', 19: 'decimal' };

function typeName(value) {
  if (value === undefined) return 'missing';
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'array';
  if (value instanceof Date) return 'date';
  return value._bsontype ?? typeof value;
}

const OPERATORS = {
  $eq: equality,
  $ne: argument => not(equality(argument)),
  $gt: argument => comparison(argument, order => order > 0),
  $gte: argument => comparison(argument, order => order >= 0),
  $lt: argument => comparison(argument, order => order < 0),
  $lte: argument => comparison(argument, order => order <= 0),
  $in: argument => oneOf('$in', argument),
  $nin: argument => not(oneOf('$nin', argument)),
  $exists: argument => values => values.some(value => value !== undefined) === truthy(argument),
  $regex: (argument, siblings) => pattern(argument, siblings.$options),
  $not: argument => {
    if (argument?._bsontype === 'BSONRegExp') return not(pattern(argument));
    if (!isOperators(argument)) throw badValue('$not needs a regex or a document');
    const tests = operators(argument);
    return values => !tests.every(test => test(values));
  },
  $size: argument => {
    if (!isNumber(argument)) throw badValue('$size needs a number');
    return values => values.some(value => Array.isArray(value) && value.length == numeric(argument));
  },
  $all: argument => {
    const tests = list('$all', argument).map(equality);
    return values => tests.length > 0 && tests.every(test => test(values));
  },
  $mod: argument => {
    const [divisor, remainder] = list('$mod', argument).map(numeric);
    return any(value => isNumber(value) && Number(numeric(value)) % Number(divisor) === Number(remainder));
  },
  $elemMatch: argument => {
    if (!isPlainObject(argument)) throw badValue('$elemMatch needs an Object');
    const onValues = isOperators(argument) && !['$and', '$or', '$nor', '$expr'].includes(Object.keys(argument)[0]);
    const tests = onValues ? operators(argument) : null;
    const document = onValues ? null : compileFilter(argument);
    const accepts = onValues ? element => tests.every(test => test([element])) : element => isPlainObject(element) && document(element);
    return values => values.some(value => Array.isArray(value) && value.some(accepts));
  },
  $type: argument => {
    const names = (Array.isArray(argument) ? argument : [argument]).flatMap(wanted => {
      const known = TYPE_NAMES[isNumber(wanted) ? TYPE_NUMBERS[numeric(wanted)] : wanted];
      if (known === undefined) throw badValue(`Unknown type name alias: ${wanted}`);
      return known;
    });
    return any(value => names.includes(typeName(value)));
  },
};
