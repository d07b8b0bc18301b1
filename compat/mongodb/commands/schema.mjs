import { Int32, Double, Long } from 'bson';
import { CommandError } from '../errors.mjs';
import { compileFilter } from '../documents/filter.mjs';
import { equal, isPlainObject, serialize, truthy } from '../documents/values.mjs';
import { collectionName, countArgument, documentArgument, documentsArgument, expectOnly } from './arguments.mjs';

function existing(catalog, command) {
  const name = collectionName(command);
  const collection = catalog.find(command.$db, name);
  if (collection === undefined) throw new CommandError(26, `ns does not exist: ${command.$db}.${name}`);
  return collection;
}

function create(command, { catalog }) {
  expectOnly(command, ['collation', 'autoIndexId', 'idIndex']);
  const name = collectionName(command);
  if (catalog.find(command.$db, name) !== undefined) throw new CommandError(48, `Collection already exists. NS: ${command.$db}.${name}`);
  catalog.ensure(command.$db, name);
  return {};
}

function drop(command, { catalog }) {
  expectOnly(command, []);
  const collection = existing(catalog, command);
  catalog.drop(collection);
  return { nIndexesWas: new Int32(collection.indexes.length), ns: collection.namespace };
}

function dropDatabase(command, { catalog }) {
  expectOnly(command, []);
  for (const collection of catalog.collectionsOf(command.$db)) catalog.drop(collection);
  return { dropped: command.$db };
}

function createIndexes(command, { catalog }) {
  expectOnly(command, ['indexes', 'commitQuorum']);
  const specifications = documentsArgument(command, 'indexes');
  if (specifications.length === 0) throw new CommandError(2, 'Must specify at least one index to create');
  for (const specification of specifications) {
    if (!isPlainObject(specification.key) || typeof specification.name !== 'string' || specification.name === '') throw new CommandError(9, "The 'key' and 'name' fields are required properties of an index specification");
  }
  const createdAutomatically = catalog.find(command.$db, collectionName(command)) === undefined;
  const collection = catalog.ensure(command.$db, collectionName(command));
  const before = collection.indexes.length;
  for (const specification of specifications) collection.createIndex(specification);
  const after = collection.indexes.length;
  const note = after === before ? { note: 'all indexes already exist' } : {};
  return { numIndexesBefore: new Int32(before), numIndexesAfter: new Int32(after), createdCollectionAutomatically: createdAutomatically, ...note };
}

function listIndexes(command, { catalog, cursors }) {
  expectOnly(command, ['cursor']);
  const collection = existing(catalog, command);
  const documents = collection.indexes.map(index => serialize(index.describe()));
  return { cursor: cursors.first(collection.namespace, documents, countArgument(documentArgument(command, 'cursor'), 'batchSize', undefined)) };
}

function dropIndexes(command, { catalog }) {
  expectOnly(command, ['index']);
  const collection = existing(catalog, command);
  const before = collection.indexes.length;
  const wanted = command.index;
  const named = index => (typeof wanted === 'string' ? index.name === wanted : Array.isArray(wanted) ? wanted.includes(index.name) : equal(index.key, wanted));
  const doomed = collection.indexes.filter(index => (wanted === '*' ? index.name !== '_id_' : named(index)));
  if (wanted !== '*' && doomed.length === 0) throw new CommandError(27, `index not found with name [${JSON.stringify(wanted)}]`);
  if (doomed.some(index => index.name === '_id_')) throw new CommandError(72, 'cannot drop _id index');
  for (const index of doomed) collection.dropIndex(index.name);
  return { nIndexesWas: new Int32(before) };
}

function listCollections(command, { catalog, cursors }) {
  expectOnly(command, ['filter', 'nameOnly', 'authorizedCollections', 'cursor']);
  const matches = compileFilter(documentArgument(command, 'filter'));
  const documents = catalog
    .collectionsOf(command.$db)
    .map(collection => ({ name: collection.name, type: 'collection', ...(truthy(command.nameOnly) ? {} : { options: {}, info: { readOnly: false }, idIndex: collection.indexes[0].describe() }) }))
    .filter(matches)
    .map(document => serialize(document));
  return { cursor: cursors.first(`${command.$db}.$cmd.listCollections`, documents, countArgument(documentArgument(command, 'cursor'), 'batchSize', undefined)) };
}

function listDatabases(command, { catalog }) {
  expectOnly(command, ['filter', 'nameOnly', 'authorizedDatabases']);
  const matches = compileFilter(documentArgument(command, 'filter'));
  const databases = catalog
    .databases()
    .map(name => ({ name, ...(truthy(command.nameOnly) ? {} : { sizeOnDisk: new Double(sizeOf(catalog, name)), empty: false }) }))
    .filter(matches);
  return { databases, ...(truthy(command.nameOnly) ? {} : { totalSize: Long.fromNumber(catalog.databases().reduce((sum, name) => sum + sizeOf(catalog, name), 0)) }) };
}

const sizeOf = (catalog, name) => catalog.collectionsOf(name).reduce((sum, collection) => sum + [...collection.records()].reduce((bytes, record) => bytes + record.bytes.length, 0), 0);

/** Commands about databases, collections and indexes. */
export const schemaCommands = { create, drop, dropDatabase, createIndexes, listIndexes, dropIndexes, deleteIndexes: dropIndexes, listCollections, listDatabases };
