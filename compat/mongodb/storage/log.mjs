import { open, rename } from 'node:fs/promises';
import { deserialize, serialize } from '../documents/values.mjs';

const HEADER = 8; // length and CRC-32 of the entry, both little-endian uint32

const CRC_TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte;
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1;
  return crc;
});

/** CRC-32 as in zlib, which Node offers only since 20.15. */
function checksum(bytes) {
  let crc = 0xffffffff;
  for (const byte of bytes) crc = (crc >>> 8) ^ CRC_TABLE[(crc ^ byte) & 0xff];
  return ~crc >>> 0;
}

/**
 * An append-only log of BSON entries. What has been appended is written and fdatasync'd in groups: while one group is being flushed the next
 * gathers. `durable()` resolves when everything appended before the call is on disk; nobody is answered before that.
 */
export class Log {
  #file;
  #pending = [];
  #appended = 0;
  #flushed = 0;
  #waiting = [];
  #flushing = false;
  #onFailure;

  constructor(file, onFailure) {
    this.#file = file;
    this.#onFailure = onFailure;
  }

  /** Opens the log, hands every whole entry to `replay` in order and cuts off an entry that was being written when the process died. */
  static async open(path, replay, onFailure) {
    const file = await open(path, 'a+');
    const { size } = await file.stat();
    const bytes = Buffer.alloc(size);
    for (let at = 0; at < size; ) {
      const { bytesRead } = await file.read(bytes, at, Math.min(size - at, 64 << 20), at);
      if (bytesRead === 0) throw new Error(`The log ${path} became shorter while it was read.`);
      at += bytesRead;
    }
    let offset = 0;
    let entries = 0;
    while (offset + HEADER <= size) {
      const length = bytes.readUInt32LE(offset);
      if (offset + HEADER + length > size) break;
      const entry = bytes.subarray(offset + HEADER, offset + HEADER + length);
      if (checksum(entry) !== bytes.readUInt32LE(offset + 4)) break;
      replay(deserialize(entry));
      entries++;
      offset += HEADER + length;
    }
    if (offset < size) {
      process.stderr.write(`mongodb double: ${size - offset} bytes at the end of the log are no whole entry and are cut off\n`);
      await file.truncate(offset);
      await file.datasync();
    }
    return { log: new Log(file, onFailure), entries };
  }

  /** Writes entries as a new log beside `path` and puts it in the old one's place. */
  static async rewrite(path, entries) {
    const file = await open(`${path}.new`, 'w');
    for (const entry of entries) await file.write(frame(entry));
    await file.datasync();
    await file.close();
    await rename(`${path}.new`, path);
  }

  append(entry) {
    this.#pending.push(frame(entry));
    this.#appended++;
    if (!this.#flushing) {
      this.#flushing = true;
      setImmediate(() => this.#flush());
    }
  }

  durable() {
    if (this.#flushed === this.#appended) return Promise.resolve();
    const position = this.#appended;
    return new Promise(resolve => this.#waiting.push({ position, resolve }));
  }

  async close() {
    await this.durable();
    await this.#file.close();
  }

  async #flush() {
    try {
      while (this.#pending.length > 0) {
        const group = this.#pending;
        this.#pending = [];
        const bytes = Buffer.concat(group);
        for (let at = 0; at < bytes.length; ) at += (await this.#file.write(bytes, at)).bytesWritten;
        await this.#file.datasync();
        this.#flushed += group.length;
        while (this.#waiting.length > 0 && this.#waiting[0].position <= this.#flushed) this.#waiting.shift().resolve();
      }
      this.#flushing = false;
    } catch (error) {
      this.#onFailure(error);
    }
  }
}

function frame(entry) {
  const body = serialize(entry);
  const header = Buffer.alloc(HEADER);
  header.writeUInt32LE(body.length, 0);
  header.writeUInt32LE(checksum(body), 4);
  return Buffer.concat([header, body]);
}
