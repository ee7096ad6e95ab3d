// Requests beside the browser's, each on a connection of its own: what is open afterwards is the
// browser's.

import http from 'node:http';

/** Sends a request and answers with `status`, `headers` and `text`. Redirects are not followed. */
export function request(address, { method = 'GET', headers = {}, body } = {}) {
  const bytes = body === undefined ? undefined : Buffer.from(body);
  const length = bytes === undefined ? {} : { 'content-length': bytes.length };
  return new Promise((resolve, reject) => {
    const sent = http.request(address, { method, agent: false, headers: { ...headers, ...length } }, (answer) => {
      const chunks = [];
      answer.on('data', (chunk) => chunks.push(chunk));
      answer.on('error', reject);
      answer.on('end', () => {
        resolve({ status: answer.statusCode, headers: answer.headers, text: Buffer.concat(chunks).toString() });
      });
    });
    sent.on('error', reject);
    sent.end(bytes);
  });
}
