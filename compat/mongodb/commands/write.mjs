import { Int32 } from 'bson';
import { CommandError, notSupported } from '../errors.mjs';
import { compileProjection } from '../documents/projection.mjs';
import { compileUpdate, seedOf } from '../documents/update.mjs';
import { numeric, serialize, truthy } from '../documents/values.mjs';
import { collectionName, documentArgument, documentsArgument, expectOnly } from './arguments.mjs';
import { select } from './read.mjs';

/** Runs the statements of a write; one that fails is reported by its place, and ends the command where it is ordered. */
function runStatements(command, statements, execute) {
  if (statements.length === 0 || statements.length > 100_000) throw new CommandError(16, `Write batch sizes must be between 1 and 100000. Got ${statements.length} operations.`);
  const writeErrors = [];
  for (const [index, statement] of statements.entries()) {
    try {
      execute(statement, index);
    } catch (error) {
      if (!(error instanceof CommandError)) throw error;
      writeErrors.push({ index: new Int32(index), code: new Int32(error.code), ...error.details, errmsg: error.message });
      if (command.ordered === undefined || truthy(command.ordered)) break;
    }
  }
  return writeErrors.length > 0 ? { writeErrors } : {};
}

function refuseUnknown(statement, known) {
  for (const name of Object.keys(statement)) {
    if (!known.includes(name)) throw new CommandError(40415, `BSON field '${name}' is an unknown field.`);
  }
  if (statement.collation !== undefined && statement.collation.locale !== 'simple') throw notSupported('A collation');
}

function insert(command, { catalog }) {
  expectOnly(command, ['documents', 'ordered', 'bypassDocumentValidation']);
  const collection = catalog.ensure(command.$db, collectionName(command));
  let inserted = 0;
  const errors = runStatements(command, documentsArgument(command, 'documents'), document => {
    collection.insert(document);
    inserted++;
  });
  return { n: new Int32(inserted), ...errors };
}

/** The document an upsert inserts. */
function upserted(filter, update) {
  const seed = seedOf(filter);
  return update.replacement ? update.apply(Object.hasOwn(seed, '_id') ? { _id: seed._id } : {}) : update.apply(seed, true);
}

function update(command, { catalog }) {
  expectOnly(command, ['updates', 'ordered', 'bypassDocumentValidation']);
  const name = collectionName(command);
  const upserts = [];
  let matched = 0;
  let modified = 0;
  const errors = runStatements(command, documentsArgument(command, 'updates'), (statement, index) => {
    refuseUnknown(statement, ['q', 'u', 'multi', 'upsert', 'hint', 'collation', 'arrayFilters']);
    const multi = truthy(statement.multi);
    const change = compileUpdate(statement.u, { multi, arrayFilters: statement.arrayFilters });
    const filter = documentArgument(statement, 'q');
    const found = select(catalog, command.$db, name, filter);
    for (const record of multi ? found : found.slice(0, 1)) {
      matched++;
      if (catalog.find(command.$db, name).replace(record, change.apply(record.document))) modified++;
    }
    if (found.length === 0 && truthy(statement.upsert)) {
      const record = catalog.ensure(command.$db, name).insert(upserted(filter, change));
      upserts.push({ index: new Int32(index), _id: record.document._id });
    }
  });
  return { n: new Int32(matched + upserts.length), nModified: new Int32(modified), ...(upserts.length > 0 ? { upserted: upserts } : {}), ...errors };
}

function remove(command, { catalog }) {
  expectOnly(command, ['deletes', 'ordered']);
  const name = collectionName(command);
  let deleted = 0;
  const errors = runStatements(command, documentsArgument(command, 'deletes'), statement => {
    refuseUnknown(statement, ['q', 'limit', 'hint', 'collation']);
    const limit = Number(numeric(statement.limit));
    if (limit !== 0 && limit !== 1) throw new CommandError(9, `The limit field in delete objects must be 0 or 1. Got ${limit}`);
    const found = select(catalog, command.$db, name, documentArgument(statement, 'q'));
    for (const record of limit === 1 ? found.slice(0, 1) : found) {
      catalog.find(command.$db, name).delete(record);
      deleted++;
    }
  });
  return { n: new Int32(deleted), ...errors };
}

function findAndModify(command, { catalog }) {
  expectOnly(command, ['query', 'sort', 'remove', 'update', 'new', 'fields', 'upsert', 'bypassDocumentValidation', 'arrayFilters', 'hint', 'collation']);
  const name = collectionName(command);
  const filter = documentArgument(command, 'query');
  const removes = truthy(command.remove);
  const wantsNew = truthy(command.new);
  if (removes && (command.update !== undefined || wantsNew || truthy(command.upsert))) throw new CommandError(9, 'Cannot specify an update, new or upsert together with remove=true');
  if (!removes && command.update === undefined) throw new CommandError(9, 'Either an update or remove=true must be specified');
  const change = removes ? null : compileUpdate(command.update, { arrayFilters: command.arrayFilters });
  const project = compileProjection(documentArgument(command, 'fields'));
  const answer = document => serialize(project === null ? document : project(document));
  const [record] = select(catalog, command.$db, name, filter, documentArgument(command, 'sort'));

  if (record === undefined) {
    if (removes) return { lastErrorObject: { n: new Int32(0) }, value: null };
    if (!truthy(command.upsert)) return { lastErrorObject: { n: new Int32(0), updatedExisting: false }, value: null };
    const { document } = catalog.ensure(command.$db, name).insert(upserted(filter, change));
    return { lastErrorObject: { n: new Int32(1), updatedExisting: false, upserted: document._id }, value: wantsNew ? answer(document) : null };
  }

  const before = record.document;
  if (removes) {
    catalog.find(command.$db, name).delete(record);
    return { lastErrorObject: { n: new Int32(1) }, value: answer(before) };
  }
  catalog.find(command.$db, name).replace(record, change.apply(before));
  return { lastErrorObject: { n: new Int32(1), updatedExisting: true }, value: answer(wantsNew ? record.document : before) };
}

/** Commands that change documents. */
export const writeCommands = { insert, update, delete: remove, findAndModify, findandmodify: findAndModify };
