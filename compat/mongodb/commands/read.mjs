import { Int32 } from 'bson';
import { CommandError, notSupported } from '../errors.mjs';
import { aggregate } from '../documents/aggregate.mjs';
import { compileFilter } from '../documents/filter.mjs';
import { valuesAt } from '../documents/paths.mjs';
import { compileProjection } from '../documents/projection.mjs';
import { compileSort } from '../documents/sort.mjs';
import { isNumber, isPlainObject, keyOf, numeric, serialize, truthy } from '../documents/values.mjs';
import { collectionName, countArgument, documentArgument, documentsArgument, expectOnly } from './arguments.mjs';

/** The records of a collection that match, in the order asked for. A filter is checked even where there is no collection. */
export function select(catalog, database, name, filter, sort) {
  compileFilter(filter);
  const order = compileSort(sort);
  const records = [...(catalog.find(database, name)?.find(filter) ?? [])];
  return order === null ? records : records.sort((a, b) => order(a.document, b.document));
}

function find(command, { catalog, cursors }) {
  expectOnly(command, ['filter', 'sort', 'projection', 'skip', 'limit', 'batchSize', 'singleBatch', 'hint', 'allowDiskUse', 'noCursorTimeout', 'collation', 'allowPartialResults', 'tailable', 'awaitData']);
  if (truthy(command.tailable)) throw notSupported('A tailable cursor');
  const name = collectionName(command);
  const skip = countArgument(command, 'skip', 0);
  const limit = countArgument(command, 'limit', 0);
  const project = compileProjection(documentArgument(command, 'projection'));
  const records = select(catalog, command.$db, name, documentArgument(command, 'filter'), documentArgument(command, 'sort'));
  const page = records.slice(skip, limit === 0 ? undefined : skip + limit);
  const documents = page.map(record => (project === null ? record.bytes : serialize(project(record.document))));
  return { cursor: cursors.first(`${command.$db}.${name}`, documents, countArgument(command, 'batchSize', undefined), truthy(command.singleBatch)) };
}

function getMore(command, { cursors }) {
  expectOnly(command, ['collection', 'batchSize']);
  return { cursor: cursors.next(command.getMore, `${command.$db}.${command.collection}`, countArgument(command, 'batchSize', undefined)) };
}

function runAggregate(command, { catalog, cursors }) {
  expectOnly(command, ['pipeline', 'cursor', 'allowDiskUse', 'hint', 'collation', 'bypassDocumentValidation']);
  if (!isPlainObject(command.cursor)) throw new CommandError(9, "The 'cursor' option is required, except for aggregate with the explain argument");
  if (isNumber(command.aggregate)) throw notSupported('An aggregation over a database');
  const name = collectionName(command);
  const results = aggregate(catalog, command.$db, name, documentsArgument(command, 'pipeline'));
  return { cursor: cursors.first(`${command.$db}.${name}`, results, countArgument(command.cursor, 'batchSize', undefined)) };
}

function count(command, { catalog }) {
  expectOnly(command, ['query', 'limit', 'skip', 'hint', 'collation', 'fields']);
  const matching = select(catalog, command.$db, collectionName(command), documentArgument(command, 'query')).length;
  const rest = Math.max(0, matching - countArgument(command, 'skip', 0));
  const limit = isNumber(command.limit) ? Math.abs(Number(numeric(command.limit))) : 0;
  return { n: new Int32(limit === 0 ? rest : Math.min(rest, limit)) };
}

function distinct(command, { catalog }) {
  expectOnly(command, ['key', 'query', 'collation', 'hint']);
  if (typeof command.key !== 'string') throw new CommandError(14, 'Expected field key to be of type string');
  const values = new Map();
  for (const { document } of select(catalog, command.$db, collectionName(command), documentArgument(command, 'query'))) {
    for (const value of valuesAt(document, command.key).flat()) if (value !== undefined) values.set(keyOf(value), value);
  }
  return { values: [...values.values()] };
}

/** Commands that change nothing. */
export const readCommands = { find, getMore, aggregate: runAggregate, count, distinct };
