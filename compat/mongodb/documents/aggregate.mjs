import mingo from 'mingo';
import { CommandError, badValue, notSupported } from '../errors.mjs';
import { compileFilter } from './filter.mjs';
import { compileProjection, isPlainProjection } from './projection.mjs';
import { compileSort } from './sort.mjs';
import { fromPlain, isNumber, isPlainObject, numeric, serialize, toPlain } from './values.mjs';

/** Stages that are left to mingo, which computes with plain JavaScript values. */
const COMPUTED = new Set([
  '$addFields', '$bucket', '$bucketAuto', '$facet', '$graphLookup', '$group', '$lookup', '$project', '$redact', '$replaceRoot', '$replaceWith', '$sample', '$set', '$sortByCount',
  '$unionWith', '$unset', '$unwind',
]);

const REFUSED = new Set(['$changeStream', '$collStats', '$currentOp', '$geoNear', '$indexStats', '$listSessions', '$merge', '$out', '$planCacheStats', '$search', '$setWindowFields', '$densify', '$fill']);

/**
 * Runs a pipeline and returns encoded documents. Filtering, ordering, paging, counting and plain projections at its beginning work on the stored
 * documents, so that their types survive; from the first stage that computes something on, numbers are JavaScript's.
 */
export function aggregate(catalog, database, name, pipeline) {
  const stages = pipeline.map(stage => {
    const [operator, ...more] = Object.keys(stage);
    if (operator === undefined || more.length > 0) throw new CommandError(40323, 'A pipeline stage specification object must contain exactly one field.');
    if (REFUSED.has(operator)) throw notSupported(`The stage ${operator}`);
    if (!COMPUTED.has(operator) && NATIVE[operator] === undefined) throw new CommandError(40324, `Unrecognized pipeline stage name: '${operator}'`);
    return { operator, argument: stage[operator] };
  });
  const native = stages.findIndex(({ operator, argument }) => NATIVE[operator] === undefined || (operator === '$project' && !isPlainProjection(argument)));
  const first = native < 0 ? stages : stages.slice(0, native);
  const rest = native < 0 ? [] : pipeline.slice(native);

  const collection = catalog.find(database, name);
  const filter = first[0]?.operator === '$match' ? first[0].argument : {};
  let documents = [...(collection?.find(filter) ?? [])].map(record => record.document);
  for (const { operator, argument } of first) documents = NATIVE[operator](documents, argument);
  if (rest.length > 0) documents = compute(rest, documents, catalog, database);
  return documents.map(document => serialize(document));
}

function compute(pipeline, documents, catalog, database) {
  const collectionResolver = other => [...(catalog.find(database, other)?.records() ?? [])].map(record => toPlain(record.document));
  try {
    return new mingo.Aggregator(toPlain(pipeline), { collectionResolver, scriptEnabled: false }).run(documents.map(toPlain)).map(fromPlain);
  } catch (error) {
    throw /operator|expression/i.test(error.message) ? new CommandError(168, error.message) : badValue(error.message);
  }
}

function whole(name, value, least) {
  const number = isNumber(value) ? Number(numeric(value)) : NaN;
  if (!Number.isInteger(number) || number < least) throw new CommandError(15958, `invalid argument to ${name} stage: it must be a whole number, ${least} or greater`);
  return number;
}

const NATIVE = {
  $match: (documents, argument) => {
    if (!isPlainObject(argument)) throw new CommandError(15959, 'the match filter must be an expression in an object');
    return documents.filter(compileFilter(argument));
  },
  $sort: (documents, argument) => {
    const order = compileSort(argument);
    if (order === null) throw new CommandError(15976, '$sort stage must have at least one sort key');
    return documents.sort(order);
  },
  $skip: (documents, argument) => documents.slice(whole('$skip', argument, 0)),
  $limit: (documents, argument) => documents.slice(0, whole('$limit', argument, 1)),
  $count: (documents, argument) => {
    if (typeof argument !== 'string' || argument === '' || argument.startsWith('$')) throw new CommandError(40156, 'the count field must be a non-empty string');
    return documents.length === 0 ? [] : [{ [argument]: fromPlain(documents.length) }];
  },
  $project: (documents, argument) => {
    const project = compileProjection(argument);
    if (project === null) throw new CommandError(51272, 'Invalid $project :: caused by :: projection specification must have at least one field');
    return documents.map(project);
  },
};
