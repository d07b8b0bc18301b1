import { randomBytes } from 'node:crypto';
import { Long } from 'bson';
import { CommandError } from '../errors.mjs';

const FIRST_BATCH = 101;
const MAX_BATCH_BYTES = 16 * 1024 * 1024;
const IDLE_MILLISECONDS = 10 * 60 * 1000;

/** Results that did not fit into one reply. A cursor nobody asks for in ten minutes is gone, as with MongoDB. */
export class Cursors {
  #open = new Map();

  /** The `cursor` part of the reply to find and aggregate. */
  first(namespace, documents, batchSize = FIRST_BATCH, single = false) {
    const state = { namespace, documents, at: 0, timer: null };
    const firstBatch = take(state, batchSize);
    return { firstBatch, id: single ? Long.ZERO : this.#keep(state), ns: namespace };
  }

  /** The `cursor` part of the reply to getMore. */
  next(id, namespace, batchSize = Infinity) {
    const state = this.#open.get(String(id));
    if (state === undefined || state.namespace !== namespace) throw new CommandError(43, `cursor id ${id} not found`);
    clearTimeout(state.timer);
    const nextBatch = take(state, batchSize === 0 ? Infinity : batchSize);
    return { nextBatch, id: this.#keep(state, String(id)), ns: namespace };
  }

  kill(id) {
    const state = this.#open.get(String(id));
    clearTimeout(state?.timer);
    return this.#open.delete(String(id));
  }

  #keep(state, id = String(randomBytes(8).readBigInt64LE() & 0x7fff_ffff_ffff_ffffn || 1n)) {
    if (state.at >= state.documents.length) {
      this.#open.delete(id);
      return Long.ZERO;
    }
    state.timer = setTimeout(() => this.#open.delete(id), IDLE_MILLISECONDS).unref();
    this.#open.set(id, state);
    return Long.fromString(id);
  }
}

function take(state, count) {
  const batch = [];
  let bytes = 0;
  while (state.at < state.documents.length && batch.length < count) {
    const document = state.documents[state.at];
    if (batch.length > 0 && bytes + document.length > MAX_BATCH_BYTES) break;
    bytes += document.length;
    batch.push(document);
    state.at++;
  }
  return batch;
}
