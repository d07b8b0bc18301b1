import * as BSON from 'bson';

/**
 * BSON values as this server holds them: deserialized without promotion, so that an int32, an int64 and a double stay what they were.
 * Order and equality are MongoDB's: by type first, numbers by value whatever their width, strings by code point.
 */
const DESERIALIZE = { promoteValues: false, promoteLongs: false, promoteBuffers: false, bsonRegExp: true };

export const deserialize = bytes => BSON.deserialize(bytes, DESERIALIZE);

export const serialize = document => Buffer.from(BSON.serialize(document, { ignoreUndefined: true }));

export const isPlainObject = value =>
  value !== null && typeof value === 'object' && !Array.isArray(value) && !(value instanceof Date) && value._bsontype === undefined;

export const isNumber = value =>
  typeof value === 'number' || typeof value === 'bigint' || ['Int32', 'Double', 'Long', 'Decimal128'].includes(value?._bsontype);

/** A number as JavaScript compares it exactly: a bigint where a double would round. */
export function numeric(value) {
  switch (value?._bsontype) {
    case 'Int32':
    case 'Double':
      return value.value;
    case 'Long': {
      const exact = value.toBigInt();
      return Number.isSafeInteger(Number(exact)) ? Number(exact) : exact;
    }
    case 'Decimal128':
      return Number(value.toString());
    default:
      return value;
  }
}

export const truthy = value => value !== undefined && value !== null && value !== false && !(isNumber(value) && numeric(value) == 0);

const RANKS = {
  MinKey: -1, Int32: 20, Double: 20, Long: 20, Decimal128: 20, BSONSymbol: 30, Binary: 60, ObjectId: 70, Timestamp: 100, BSONRegExp: 110,
  DBRef: 40, Code: 120, MaxKey: 255,
};

/** The place of a value's type in MongoDB's comparison order; a missing value sorts with null. */
export function typeRank(value) {
  if (value === undefined || value === null) return 10;
  switch (typeof value) {
    case 'number':
    case 'bigint':
      return 20;
    case 'string':
      return 30;
    case 'boolean':
      return 80;
  }
  if (Array.isArray(value)) return 50;
  if (value instanceof Date) return 90;
  return RANKS[value._bsontype] ?? 40;
}

export function compare(a, b) {
  const rank = typeRank(a);
  const difference = rank - typeRank(b);
  if (difference !== 0) return difference;
  switch (rank) {
    case 20:
      return compareNumbers(numeric(a), numeric(b));
    case 30:
      return compareStrings(String(a), String(b));
    case 40:
      return compareObjects(a, b);
    case 50:
      return compareArrays(a, b);
    case 60:
      return a.position - b.position || a.sub_type - b.sub_type || Buffer.compare(a.value(), b.value());
    case 70:
      return Buffer.compare(a.id, b.id);
    case 80:
      return Number(a) - Number(b);
    case 90:
      return a.getTime() - b.getTime();
    case 100:
      return a.compare(b);
    case 110:
      return compareStrings(a.pattern, b.pattern) || compareStrings(a.options, b.options);
    case 120:
      return compareStrings(String(a.code), String(b.code));
    default:
      return 0;
  }
}

export const equal = (a, b) => compare(a, b) === 0;

function compareNumbers(a, b) {
  if (a < b) return -1;
  if (a > b) return 1;
  if (a == b) return 0;
  return Number(Number.isNaN(b)) - Number(Number.isNaN(a)); // NaN is less than every number
}

/** By code point, as UTF-8 bytes compare; JavaScript's own order is by UTF-16 unit and puts U+10000 before U+E000. */
function compareStrings(a, b) {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const x = a.charCodeAt(i);
    const y = b.charCodeAt(i);
    if (x === y) continue;
    const surrogateX = x >= 0xd800 && x < 0xe000;
    const surrogateY = y >= 0xd800 && y < 0xe000;
    return surrogateX === surrogateY ? x - y : surrogateX ? 1 : -1;
  }
  return a.length - b.length;
}

function compareObjects(a, b) {
  const left = Object.entries(a);
  const right = Object.entries(b);
  for (let i = 0; i < Math.min(left.length, right.length); i++) {
    const order = typeRank(left[i][1]) - typeRank(right[i][1]) || compareStrings(left[i][0], right[i][0]) || compare(left[i][1], right[i][1]);
    if (order !== 0) return order;
  }
  return left.length - right.length;
}

function compareArrays(a, b) {
  for (let i = 0; i < Math.min(a.length, b.length); i++) {
    const order = compare(a[i], b[i]);
    if (order !== 0) return order;
  }
  return a.length - b.length;
}

/** A string that two values share exactly when they are equal: the key of the hash indexes. */
export function keyOf(value) {
  const rank = typeRank(value);
  switch (rank) {
    case 10:
      return 'null';
    case 20:
      return `n${numeric(value) == 0 ? 0 : numeric(value)}`;
    case 30:
      return `s${value}`;
    case 40:
      return `{${Object.entries(value).map(([name, inner]) => `${JSON.stringify(name)}:${JSON.stringify(keyOf(inner))}`).join()}}`;
    case 50:
      return `[${value.map(inner => JSON.stringify(keyOf(inner))).join()}]`;
    case 60:
      return `b${value.sub_type}:${Buffer.from(value.value()).toString('base64')}`;
    case 70:
      return `o${value.toHexString()}`;
    case 80:
      return value ? 'true' : 'false';
    case 90:
      return `d${value.getTime()}`;
    default:
      return `${rank}:${BSON.EJSON.stringify(value)}`;
  }
}

/** The promoted form that mingo's expressions compute with. Types narrower than a JavaScript number are lost in it. */
export function toPlain(value) {
  if (Array.isArray(value)) return value.map(toPlain);
  if (isPlainObject(value)) return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, toPlain(inner)]));
  switch (value?._bsontype) {
    case 'Int32':
    case 'Double':
      return value.value;
    case 'Long': {
      const number = numeric(value);
      return typeof number === 'bigint' ? value : number;
    }
    case 'BSONRegExp':
      return toRegExp(value.pattern, value.options);
    default:
      return value;
  }
}

/** Back from mingo's form: whole numbers become the narrowest integer type that holds them. */
export function fromPlain(value) {
  if (Array.isArray(value)) return value.map(fromPlain);
  if (isPlainObject(value)) {
    return Object.fromEntries(Object.entries(value).filter(([, inner]) => inner !== undefined).map(([name, inner]) => [name, fromPlain(inner)]));
  }
  if (typeof value !== 'number') return value;
  if (!Number.isSafeInteger(value) || Object.is(value, -0)) return new BSON.Double(value);
  return value === (value | 0) ? new BSON.Int32(value) : BSON.Long.fromNumber(value);
}

/** A regular expression with MongoDB's options: i, m and s mean what they do in JavaScript; x is not available there. */
export function toRegExp(pattern, options = '') {
  const inline = /^\(\?([ims]+)\)/.exec(pattern);
  const flags = new Set([...options, ...(inline?.[1] ?? '')].filter(flag => 'ims'.includes(flag)));
  return new RegExp(inline ? pattern.slice(inline[0].length) : pattern, `${[...flags].join('')}u`);
}
