import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { CommandError } from '../errors.mjs';
import { Collection } from './collection.mjs';
import { Log } from './log.mjs';

/** The log is written anew at start when it has this many entries more than twice what is alive. */
const REWRITE_SLACK = 10_000;

/** All collections of all databases, kept in memory and in one log. */
export class Catalog {
  #collections = new Map(); // by namespace
  #log;
  #replaying = true;

  static async open(directory, onFailure) {
    await mkdir(directory, { recursive: true });
    const path = join(directory, 'log.bson');
    const catalog = new Catalog();
    const opened = await Log.open(path, entry => catalog.#replay(entry), onFailure);
    catalog.#log = opened.log;
    const alive = [...catalog.#collections.values()].reduce((sum, collection) => sum + collection.size + collection.indexes.length, 0);
    if (opened.entries > 2 * alive + REWRITE_SLACK) {
      await catalog.#log.close();
      await Log.rewrite(path, catalog.#entries());
      catalog.#log = (await Log.open(path, () => {}, onFailure)).log;
    }
    catalog.#replaying = false;
    return catalog;
  }

  durable() {
    return this.#log.durable();
  }

  close() {
    return this.#log.close();
  }

  find(database, name) {
    validate(database, name);
    return this.#collections.get(`${database}.${name}`);
  }

  /** The collection, made when it is not there. */
  ensure(database, name) {
    validate(database, name);
    const namespace = `${database}.${name}`;
    let collection = this.#collections.get(namespace);
    if (collection === undefined) {
      collection = new Collection(database, name, entry => this.#journal(entry));
      this.#collections.set(namespace, collection);
      this.#journal({ op: 'create', ns: namespace });
    }
    return collection;
  }

  collectionsOf(database) {
    return [...this.#collections.values()].filter(collection => collection.database === database);
  }

  databases() {
    return [...new Set([...this.#collections.values()].map(collection => collection.database))].sort();
  }

  drop(collection) {
    this.#collections.delete(collection.namespace);
    this.#journal({ op: 'drop', ns: collection.namespace });
  }

  #journal(entry) {
    if (!this.#replaying) this.#log.append(entry);
  }

  #replay(entry) {
    const dot = entry.ns.indexOf('.');
    const [database, name] = [entry.ns.slice(0, dot), entry.ns.slice(dot + 1)];
    if (entry.op === 'drop') this.#collections.delete(entry.ns);
    else this.ensure(database, name).replay(entry);
  }

  *#entries() {
    for (const collection of this.#collections.values()) yield* collection.entries();
  }
}

function validate(database, name) {
  if (typeof name !== 'string' || name === '' || name.includes('$') || name.includes('\0') || name.startsWith('.') || name.startsWith('system.')) {
    throw new CommandError(73, `Invalid collection name: ${name}`);
  }
  if (database === '' || /[/\\. "$\0]/.test(database)) throw new CommandError(73, `Invalid database name: '${database}'`);
}
