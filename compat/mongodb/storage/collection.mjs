import { ObjectId } from 'bson';
import { CommandError } from '../errors.mjs';
import { compileFilter, equalitiesOf } from '../documents/filter.mjs';
import { indexedValuesAt } from '../documents/paths.mjs';
import { equal, fromPlain, keyOf, serialize } from '../documents/values.mjs';
import { CollectionIndex } from './collection-index.mjs';

export const MAX_DOCUMENT_BYTES = 16 * 1024 * 1024;

const ID_INDEX = { v: fromPlain(2), key: { _id: fromPlain(1) }, name: '_id_' };

/**
 * The documents of one collection in insertion order, each as its bytes (what clients get) and deserialized (what filters see), with a hash map
 * for every path that some index names. Changes are handed to `journal`; commands run within one turn of the event loop, hence atomically.
 */
export class Collection {
  #records = new Map(); // by the key of _id
  #lookups = new Map(); // path → key of a value → records
  #indexes = new Map([['_id_', new CollectionIndex(ID_INDEX)]]);
  #journal;

  constructor(database, name, journal) {
    this.database = database;
    this.name = name;
    this.namespace = `${database}.${name}`;
    this.#journal = journal;
  }

  get size() {
    return this.#records.size;
  }

  get indexes() {
    return [...this.#indexes.values()];
  }

  records() {
    return this.#records.values();
  }

  /** The records that a filter matches, in insertion order within what was looked up. */
  *find(filter) {
    const matches = compileFilter(filter);
    for (const record of this.#candidates(filter)) {
      if (matches(record.document)) yield record;
    }
  }

  insert(document) {
    const whole = Object.hasOwn(document, '_id') ? (Object.keys(document)[0] === '_id' ? document : { _id: document._id, ...document }) : { _id: new ObjectId(), ...document };
    for (const name of Object.keys(whole)) {
      if (name.startsWith('$')) throw new CommandError(2, `Document can't have $ prefixed field names: ${name}`);
    }
    this.#validateId(whole._id);
    const record = { id: keyOf(whole._id), document: whole, bytes: this.#encode(whole) };
    if (this.#records.has(record.id)) throw this.#duplicateId(whole._id);
    for (const index of this.#indexes.values()) index.check(whole, undefined, this.namespace);
    this.#add(record);
    this.#journal({ op: 'put', ns: this.namespace, d: whole });
    return record;
  }

  /** Puts a new document into a record's place; false when it is the same already. */
  replace(record, document) {
    const bytes = this.#encode(document);
    if (bytes.equals(record.bytes)) return false;
    for (const index of this.#indexes.values()) index.check(document, record, this.namespace);
    this.#unlink(record);
    record.document = document;
    record.bytes = bytes;
    this.#link(record);
    this.#journal({ op: 'put', ns: this.namespace, d: document });
    return true;
  }

  delete(record) {
    this.#unlink(record);
    this.#records.delete(record.id);
    this.#journal({ op: 'delete', ns: this.namespace, k: record.document._id });
  }

  /** Creates an index; false when the same one is there. */
  createIndex(specification) {
    const index = new CollectionIndex(specification);
    for (const present of this.#indexes.values()) {
      const sameKey = equal(present.key, index.key) && Object.keys(present.key).join() === Object.keys(index.key).join();
      if (present.name === index.name) {
        if (!sameKey) throw new CommandError(86, `An existing index has the same name as the requested index: ${index.name}`);
        if (present.unique !== index.unique || present.sparse !== index.sparse) {
          throw new CommandError(85, `Index already exists with different options: ${index.name}`);
        }
        return false;
      }
      if (sameKey && present.name !== '_id_') throw new CommandError(85, `Index already exists with a different name: ${present.name}`);
      if (sameKey) return false;
    }
    for (const record of this.#records.values()) {
      index.check(record.document, record, this.namespace);
      index.add(record);
    }
    this.#indexes.set(index.name, index);
    for (const path of index.paths) this.#buildLookup(path);
    this.#journal({ op: 'createIndex', ns: this.namespace, spec: specification });
    return true;
  }

  dropIndex(name) {
    this.#indexes.delete(name);
    const wanted = new Set(this.indexes.flatMap(index => index.paths));
    for (const path of this.#lookups.keys()) {
      if (!wanted.has(path)) this.#lookups.delete(path);
    }
    this.#journal({ op: 'dropIndex', ns: this.namespace, name });
  }

  /** Takes a logged change in again; nothing is checked that was checked when it was made. */
  replay(entry) {
    switch (entry.op) {
      case 'put': {
        const id = keyOf(entry.d._id);
        const record = this.#records.get(id);
        if (record === undefined) {
          this.#add({ id, document: entry.d, bytes: serialize(entry.d) });
          break;
        }
        this.#unlink(record);
        record.document = entry.d;
        record.bytes = serialize(entry.d);
        this.#link(record);
        break;
      }
      case 'delete': {
        const record = this.#records.get(keyOf(entry.k));
        this.#unlink(record);
        this.#records.delete(record.id);
        break;
      }
      case 'createIndex':
        this.createIndex(entry.spec);
        break;
      case 'dropIndex':
        this.dropIndex(entry.name);
        break;
    }
  }

  /** What a log must say to bring this collection back. */
  *entries() {
    yield { op: 'create', ns: this.namespace };
    for (const index of this.#indexes.values()) {
      if (index.name !== '_id_') yield { op: 'createIndex', ns: this.namespace, spec: index.specification };
    }
    for (const record of this.#records.values()) yield { op: 'put', ns: this.namespace, d: record.document };
  }

  #candidates(filter) {
    let best;
    for (const [path, values] of equalitiesOf(filter)) {
      const keys = values.map(keyOf);
      if (path === '_id') return [...new Set(keys)].map(key => this.#records.get(key)).filter(record => record !== undefined);
      const lookup = this.#lookups.get(path);
      if (lookup === undefined) continue;
      const sets = keys.map(key => lookup.get(key)).filter(set => set !== undefined);
      const size = sets.reduce((sum, set) => sum + set.size, 0);
      if (best === undefined || size < best.size) best = { size, sets };
    }
    if (best === undefined) return [...this.#records.values()];
    return [...new Set(best.sets.flatMap(set => [...set]))];
  }

  #encode(document) {
    const bytes = serialize(document);
    if (bytes.length > MAX_DOCUMENT_BYTES) throw new CommandError(10334, `object to insert too large. size in bytes: ${bytes.length}, max size: ${MAX_DOCUMENT_BYTES}`);
    return bytes;
  }

  #validateId(id) {
    if (Array.isArray(id)) throw new CommandError(53, "The '_id' value cannot be of type array");
    if (id?._bsontype === 'BSONRegExp') throw new CommandError(53, "The '_id' value cannot be of type regex");
  }

  #duplicateId(id) {
    const shown = typeof id === 'string' ? JSON.stringify(id) : String(id);
    return new CommandError(11000, `E11000 duplicate key error collection: ${this.namespace} index: _id_ dup key: { _id: ${shown} }`, { keyPattern: { _id: fromPlain(1) }, keyValue: { _id: id } });
  }

  #add(record) {
    this.#records.set(record.id, record);
    this.#link(record);
  }

  #link(record) {
    for (const index of this.#indexes.values()) index.add(record);
    for (const [path, lookup] of this.#lookups) enter(lookup, path, record);
  }

  #unlink(record) {
    for (const index of this.#indexes.values()) index.remove(record);
    for (const [path, lookup] of this.#lookups) {
      for (const value of indexedValuesAt(record.document, path)) {
        const set = lookup.get(keyOf(value));
        set?.delete(record);
        if (set?.size === 0) lookup.delete(keyOf(value));
      }
    }
  }

  #buildLookup(path) {
    if (path === '_id' || this.#lookups.has(path)) return;
    const lookup = new Map();
    for (const record of this.#records.values()) enter(lookup, path, record);
    this.#lookups.set(path, lookup);
  }
}

function enter(lookup, path, record) {
  for (const value of indexedValuesAt(record.document, path)) {
    const key = keyOf(value);
    if (!lookup.has(key)) lookup.set(key, new Set());
    lookup.get(key).add(record);
  }
}
