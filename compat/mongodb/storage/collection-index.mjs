import { CommandError, notSupported } from '../errors.mjs';
import { compileFilter } from '../documents/filter.mjs';
import { indexedValuesAt } from '../documents/paths.mjs';
import { fromPlain, isNumber, keyOf, numeric, truthy } from '../documents/values.mjs';

const KNOWN = new Set(['v', 'key', 'name', 'ns', 'unique', 'sparse', 'partialFilterExpression', 'background', 'hidden']);

/** One index: its specification and, where it is unique, which document holds each key. */
export class CollectionIndex {
  #holders = new Map();
  #covers;

  constructor(specification) {
    for (const name of Object.keys(specification)) {
      if (['expireAfterSeconds', 'collation', 'weights', 'wildcardProjection'].includes(name)) throw notSupported(`The index option '${name}'`);
      if (!KNOWN.has(name)) throw new CommandError(197, `The field '${name}' is not valid for an index specification.`);
    }
    const fields = Object.entries(specification.key ?? {});
    if (fields.length === 0) throw new CommandError(67, 'Index keys cannot be empty.');
    for (const [path, direction] of fields) {
      if (!isNumber(direction)) throw notSupported(`An index of kind '${direction}'`);
      if (numeric(direction) == 0 || path === '' || path.includes('$')) throw new CommandError(67, `Values in the index key pattern cannot be 0 and paths cannot contain '$': ${path}`);
    }
    this.name = specification.name;
    this.key = specification.key;
    this.paths = fields.map(([path]) => path);
    this.unique = truthy(specification.unique);
    this.sparse = truthy(specification.sparse);
    this.specification = specification;
    this.#covers = specification.partialFilterExpression ? compileFilter(specification.partialFilterExpression) : () => true;
  }

  describe() {
    const { v, key, name, ns, ...options } = this.specification;
    return { v: fromPlain(2), key, name, ...options };
  }

  /** Throws MongoDB's duplicate key error when another document than `self` holds a key of `document`. */
  check(document, self, namespace) {
    if (!this.unique) return;
    for (const [key, values] of this.#keysOf(document)) {
      const holder = this.#holders.get(key);
      if (holder !== undefined && holder !== self) throw this.#duplicate(values, namespace);
    }
  }

  add(record) {
    if (!this.unique) return;
    for (const [key] of this.#keysOf(record.document)) this.#holders.set(key, record);
  }

  remove(record) {
    if (!this.unique) return;
    for (const [key] of this.#keysOf(record.document)) this.#holders.delete(key);
  }

  /** Every combination of the values that the indexed paths reach, by hash. */
  #keysOf(document) {
    const keys = new Map();
    if (!this.#covers(document)) return keys;
    const columns = this.paths.map(path => {
      const values = indexedValuesAt(document, path);
      if (values.length <= 1) return values.length === 0 ? [undefined] : values;
      return values.filter(value => !Array.isArray(value) || value.length === 0);
    });
    if (columns.filter(values => values.length > 1).length > 1) throw new CommandError(171, 'cannot index parallel arrays');
    if (this.sparse && columns.every(values => values.every(value => value === undefined))) return keys;
    let combinations = [[]];
    for (const values of columns) combinations = combinations.flatMap(start => values.map(value => [...start, value]));
    for (const values of combinations) keys.set(values.map(value => JSON.stringify(keyOf(value))).join(), values);
    return keys;
  }

  #duplicate(values, namespace) {
    const keyValue = Object.fromEntries(this.paths.map((path, i) => [path, values[i] ?? null]));
    const shown = this.paths.map((path, i) => `${path}: ${typeof values[i] === 'string' ? JSON.stringify(values[i]) : String(values[i] ?? null)}`);
    return new CommandError(11000, `E11000 duplicate key error collection: ${namespace} index: ${this.name} dup key: { ${shown.join(', ')} }`, { keyPattern: this.key, keyValue });
  }
}
