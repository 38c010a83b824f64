// What the service is compared with: Node's own HTTP server that parses JSON, runs three checked functions and answers with what
// each of them got and gave.  node scripts/bench-peer.js PORT
'use strict';
const { createServer } = require('node:http');
const { randomUUID } = require('node:crypto');

function check(value) {
  if (typeof value !== 'object' || value === null || !Number.isInteger(value.n)) throw new TypeError('expected { n: integer }');
  return value;
}

const steps = ['a', 'b', 'c'].map((id) => ({ id, run: async (input) => ({ n: input.n + 1 }) }));

async function run(body) {
  let value = check(JSON.parse(body).inputData);
  const startedAt = new Date().toISOString();
  const snapshots = {};
  for (const step of steps) {
    const begin = new Date().toISOString();
    const input = check(value);
    value = check(await step.run(input));
    snapshots[step.id] = [{ status: 'success', input, output: value, startedAt: begin, finishedAt: new Date().toISOString() }];
  }
  const finishedAt = new Date().toISOString();
  return { runId: randomUUID(), status: 'success', result: value, steps: snapshots, metadata: {}, startedAt, finishedAt };
}

createServer((request, response) => {
  const chunks = [];
  request.on('data', (chunk) => chunks.push(chunk));
  request.on('end', async () => {
    try {
      const text = JSON.stringify(await run(Buffer.concat(chunks).toString('utf8')));
      response.writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) });
      response.end(text);
    } catch (error) {
      response.writeHead(400, { 'content-type': 'application/json' });
      response.end(JSON.stringify({ error: String(error) }));
    }
  });
}).listen(Number(process.argv[2]), '127.0.0.1');
