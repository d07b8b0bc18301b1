import mingo from 'mingo';
import { CommandError, badValue } from '../errors.mjs';
import { fromPlain, isNumber, isPlainObject, toPlain, truthy } from './values.mjs';

/** Compiles a projection of plain inclusions or exclusions; null where it projects nothing away. */
export function compileProjection(specification) {
  const entries = Object.entries(specification ?? {});
  if (entries.length === 0) return null;
  if (!isPlainProjection(specification)) {
    const stages = [{ $project: toPlain(specification) }];
    return document => fromPlain(new mingo.Aggregator(stages, { scriptEnabled: false }).run([toPlain(document)])[0]);
  }
  const others = entries.filter(([path]) => path !== '_id');
  const inclusive = others.length > 0 ? truthy(others[0][1]) : truthy(specification._id);
  const tree = {};
  for (const [path, flag] of others) {
    if (truthy(flag) !== inclusive) {
      throw inclusive
        ? new CommandError(31254, `Cannot do exclusion on field ${path} in inclusion projection`)
        : new CommandError(31253, `Cannot do inclusion on field ${path} in exclusion projection`);
    }
    plant(tree, path.split('.'), path);
  }
  const keepsId = Object.hasOwn(specification, '_id') ? truthy(specification._id) : true;
  if (inclusive) {
    if (keepsId) tree._id = true;
    return document => include(document, tree);
  }
  if (!keepsId) tree._id = true;
  return document => exclude(document, tree);
}

export const isPlainProjection = specification => Object.values(specification).every(flag => isNumber(flag) || typeof flag === 'boolean');


function plant(tree, parts, path) {
  const [head, ...rest] = parts;
  if (head === '') throw badValue('FieldPath field names may not be empty strings.');
  if (rest.length === 0) {
    if (Object.hasOwn(tree, head)) throw new CommandError(31250, `Path collision at ${path}`);
    tree[head] = true;
    return;
  }
  if (tree[head] === true) throw new CommandError(31249, `Path collision at ${path}`);
  plant((tree[head] ??= {}), rest, path);
}

function include(value, tree) {
  if (Array.isArray(value)) return value.filter(element => isPlainObject(element) || Array.isArray(element)).map(element => include(element, tree));
  const kept = {};
  for (const [name, inner] of Object.entries(value)) {
    if (tree[name] === true) kept[name] = inner;
    else if (Object.hasOwn(tree, name) && (isPlainObject(inner) || Array.isArray(inner))) kept[name] = include(inner, tree[name]);
  }
  return kept;
}

function exclude(value, tree) {
  if (Array.isArray(value)) return value.map(element => exclude(element, tree));
  if (!isPlainObject(value)) return value;
  const kept = {};
  for (const [name, inner] of Object.entries(value)) {
    if (tree[name] === true) continue;
    kept[name] = Object.hasOwn(tree, name) ? exclude(inner, tree[name]) : inner;
  }
  return kept;
}
