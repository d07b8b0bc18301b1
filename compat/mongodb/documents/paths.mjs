import { isPlainObject } from './values.mjs';

/**
 * Every value a dotted path reaches in a document, as filters see it: an array on the way is searched element by element (or by position when
 * the part is a number), and a part that is not there yields undefined.
 */
export function valuesAt(document, path) {
  const found = [];
  visit(document, path.split('.'), 0, found);
  return found;
}

function visit(value, parts, at, found) {
  if (at === parts.length) {
    found.push(value);
    return;
  }
  if (Array.isArray(value)) {
    if (/^\d+$/.test(parts[at]) && Number(parts[at]) < value.length) visit(value[Number(parts[at])], parts, at + 1, found);
    for (const element of value) {
      if (isPlainObject(element)) visit(element, parts, at, found);
    }
    return;
  }
  if (isPlainObject(value) && Object.hasOwn(value, parts[at])) visit(value[parts[at]], parts, at + 1, found);
  else found.push(undefined);
}

/** The values a path is indexed under: those it reaches, and for an array its elements as well as itself. */
export function indexedValuesAt(document, path) {
  const found = valuesAt(document, path);
  return found.flatMap(value => (Array.isArray(value) ? [value, ...value] : [value]));
}
