import { badValue } from '../errors.mjs';
import { valuesAt } from './paths.mjs';
import { compare, isNumber, numeric } from './values.mjs';

/** A stable comparison of two documents by a sort specification; null where it names nothing. */
export function compileSort(specification) {
  const keys = Object.entries(specification ?? {}).map(([path, direction]) => {
    const sign = isNumber(direction) ? numeric(direction) : 0;
    if (sign !== 1 && sign !== -1) throw badValue('$sort key ordering must be 1 (for ascending) or -1 (for descending)');
    return { path, sign };
  });
  if (keys.length === 0) return null;
  return (a, b) => {
    for (const { path, sign } of keys) {
      const order = compare(extreme(a, path, sign), extreme(b, path, sign));
      if (order !== 0) return order * sign;
    }
    return 0;
  };
}

/** What an array sorts by: its least element ascending, its greatest descending. */
function extreme(document, path, sign) {
  let best;
  let first = true;
  for (const value of valuesAt(document, path).flatMap(found => (Array.isArray(found) && found.length > 0 ? found : [found]))) {
    if (first || compare(value, best) * sign < 0) best = value;
    first = false;
  }
  return best;
}
