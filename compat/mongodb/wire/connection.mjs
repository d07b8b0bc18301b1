import { encodeReply, takeMessages } from './messages.mjs';

let responseIds = 0;

/** Serves one connection: messages are executed one after the other in the order they came, and answered. */
export function serve(socket, execute) {
  let received = Buffer.alloc(0);
  let last = Promise.resolve();
  socket.setNoDelay(true);
  socket.on('error', () => socket.destroy());
  socket.on('data', chunk => {
    received = received.length === 0 ? chunk : Buffer.concat([received, chunk]);
    let taken;
    try {
      taken = takeMessages(received);
    } catch (error) {
      process.stderr.write(`mongodb double: a connection is closed because of ${error.message}\n`);
      socket.destroy();
      return;
    }
    received = taken.rest;
    for (const message of taken.messages) last = last.then(() => answer(message));
  });

  async function answer(message) {
    const reply = await execute(message.command);
    if (message.wantsReply && !socket.destroyed) socket.write(encodeReply(message, reply, ++responseIds | 0));
  }
}
