// The server: JSON requests, and event streams that come back where they broke. Who asks is told by a cookie that no script reads.

import { setClock } from './format.js';
import { parse, stringify } from './json.js';

const roles = ['read', 'run', 'admin'];

/** Who asks, as far as the server has said it; `isSession` where they have logged in. */
export const principal = { name: '', role: 'admin', workflows: [], isSession: false, isKnown: false };

let introduction;

/** Asks the server who asks; pages hide what a role does not allow by `data-needs`. */
export function introduce() {
  introduction = (async () => {
    const { principal: told, session } = await json('/api/version');
    Object.assign(principal, { name: '', role: 'admin', workflows: [] }, told, { isSession: session === true, isKnown: true });
    document.body.dataset.role = roles.includes(principal.role) ? principal.role : 'read';
  })();
  return introduction;
}

/** Waits until the server has said who asks, or cannot say it. */
export const introduced = async () => {
  if (!principal.isKnown) await (introduction ?? introduce()).catch(() => {});
};

/** Counts log-ins: a refusal of what was asked before the last one says nothing of it. */
let epoch = 0;

/** Has the server keep a token in the cookie of this browser. */
export async function logIn(token) {
  epoch += 1;
  await ask('/api/session', { method: 'POST', headers: { Authorization: `Bearer ${token}` } });
  epoch += 1;
  await introduce();
  document.dispatchEvent(new CustomEvent('authorized'));
}

export async function logOut() {
  await ask('/api/session', { method: 'DELETE' });
  principal.isSession = false;
}

/** What the server answered instead of a result: `status`, `code`, `message`, `details`. */
export class APIError extends Error {
  constructor(status, body) {
    super(body?.error ?? (status ? `The server answered ${status}` : 'The server cannot be reached'));
    this.status = status;
    this.code = body?.code ?? '';
    this.details = body?.details;
    this.body = body;
  }
}

// The page lies at the base path of the server, whatever that is.
const address = (path) => new URL(path.replace(/^\//, ''), document.baseURI.split('#')[0]);

/** The address of what is shown: without what schemas call secret, where runs and tasks are told of. */
function shown(path, method) {
  const url = address(path);
  if (method === 'GET' && /^\/api\/(runs\/[^/?]+(\/events)?|events|tasks)(\?|$)/.test(path)) url.searchParams.set('redact', 'true');
  return url;
}

/** Whether the newest try to reach the server found nobody; `document` hears `connection` when that changes. */
export let isAway = false;

function reached(isThere) {
  if (isAway !== isThere) return;
  isAway = !isThere;
  document.dispatchEvent(new CustomEvent('connection'));
}

/** Looks whether the server is there. */
export const probe = () => fetch(address('/health/live'), { cache: 'no-store' }).then(({ status }) => reached(!isOfProxy(status)), () => reached(false));

/** What a proxy answers in place of a server that is away. */
const isOfProxy = (status) => status === 502 || status === 504;

async function ask(path, { method = 'GET', body, headers = {}, signal } = {}) {
  const options = { method, headers: { ...headers }, signal, cache: 'no-store', credentials: 'same-origin' };
  const asked = epoch;
  if (method !== 'GET') options.headers['X-CSRF-Protection'] = '1';
  if (body !== undefined) {
    options.headers['Content-Type'] = 'application/json';
    options.body = stringify(body);
  }
  let response;
  try {
    response = await fetch(shown(path, method), options);
  } catch (error) {
    if (error.name === 'AbortError') throw error;
    reached(false);
    throw new APIError(0);
  }
  reached(!isOfProxy(response.status));
  setClock(response.headers.get('Date') ?? '');
  if (response.ok) return response;
  let value;
  try { value = parse(await whole(response)); } catch (error) { if (error.name === 'AbortError') throw error; /* A proxy's page is no answer of ours. */ }
  const failed = new APIError(response.status, value);
  if (response.status === 401 && asked === epoch) document.dispatchEvent(new CustomEvent('unauthorized', { detail: failed }));
  throw failed;
}

/** The text of an answer, which may break off like the way to it. */
async function whole(response) {
  try {
    return await response.text();
  } catch (error) {
    if (error.name === 'AbortError') throw error;
    throw new APIError(0);
  }
}

/** The JSON of an answer; null for an empty one. */
export async function json(path, options) {
  const response = await ask(path, options);
  const text = await whole(response);
  return text ? parse(text) : null;
}

export const text = async (path, options) => whole(await ask(path, options));

export const post = (path, body = {}, options = {}) => json(path, { ...options, method: 'POST', body });

/** `?a=b` of what is not empty. */
export function query(values) {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(values)) if (value !== undefined && value !== '' && value !== null) search.set(name, value);
  const text = search.toString();
  return text ? `?${text}` : '';
}

export const segment = encodeURIComponent;

/**
 * Follows an event stream until `signal` aborts or the stream says that it is over.
 *
 * A stream that breaks, or is silent for so long that it must have, is asked for again behind its last event; one that is refused
 * for want of a token, after the next log-in. While the page is hidden there is none, so that many tabs do not use up a browser's
 * connections; `missed` hears when events without numbers may have been lost.
 */
export async function follow(path, { signal, frames, state = () => {}, missed = () => {}, after = 0 }) {
  let last = after;
  let wait = 500;
  let isFirst = true;
  while (!signal.aborted) {
    await visible(signal);
    if (signal.aborted) return;
    const attempt = new AbortController();
    const stop = () => attempt.abort();
    let watch = 0;
    const hear = () => { clearTimeout(watch); watch = setTimeout(stop, silence); };
    const hide = () => document.hidden && stop();
    signal.addEventListener('abort', stop);
    document.addEventListener('visibilitychange', hide);
    try {
      const headers = { Accept: 'text/event-stream' };
      if (last > 0) headers['Last-Event-ID'] = String(last);
      const response = await ask(path, { headers, signal: attempt.signal });
      hear();
      state('live');
      if (!isFirst) missed();
      isFirst = false;
      wait = 500;
      const isOver = await read(response.body.getReader(), hear, async (batch) => {
        for (const frame of batch) if (frame.id > last) last = frame.id;
        await frames(batch);
        return batch.some((frame) => frame.event === 'result');
      });
      if (isOver) return state('over');
    } catch (error) {
      if (signal.aborted) return;
      if (error.status === 401) {
        state('broken');
        await authorized(signal);
        continue;
      }
      if (error instanceof APIError && error.status >= 400 && error.status < 500 && error.status !== 429) {
        return state('refused', error);
      }
    } finally {
      clearTimeout(watch);
      signal.removeEventListener('abort', stop);
      document.removeEventListener('visibilitychange', hide);
    }
    if (document.hidden) continue;
    state('broken');
    await pause(wait, signal);
    wait = Math.min(wait * 2, 10_000);
  }
}

/** The server says something at least every 15 seconds; in milliseconds. */
const silence = 50_000;

/** Reads frames in batches; ends when `take` says so (true) or the stream ends (false). `hear` is called for all that comes. */
async function read(reader, hear, take) {
  const decoder = new TextDecoder();
  let rest = '';
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return false;
    hear();
    rest += decoder.decode(value, { stream: true });
    const end = rest.lastIndexOf('\n\n');
    if (end < 0) continue;
    const batch = rest.slice(0, end).split('\n\n').map(frameOf).filter((frame) => frame.data !== undefined);
    rest = rest.slice(end + 2);
    if (batch.length > 0 && (await take(batch))) {
      reader.cancel().catch(() => {});
      return true;
    }
  }
}

function frameOf(text) {
  const frame = { event: 'message', id: 0, data: undefined };
  for (const line of text.split('\n')) {
    if (line.startsWith('event: ')) frame.event = line.slice(7);
    else if (line.startsWith('id: ')) frame.id = Number(line.slice(4)) || 0;
    else if (line.startsWith('data: ')) {
      try { frame.data = parse(line.slice(6)); } catch { /* A frame that is cut off is no event. */ }
    }
  }
  return frame;
}

export const pause = (milliseconds, signal) => new Promise((resolve) => {
  const end = () => {
    clearTimeout(timer);
    signal?.removeEventListener('abort', end);
    resolve();
  };
  const timer = setTimeout(end, milliseconds);
  signal?.addEventListener('abort', end);
});

const authorized = (signal) => new Promise((resolve) => {
  if (signal.aborted) return resolve();
  const end = () => {
    document.removeEventListener('authorized', end);
    signal.removeEventListener('abort', end);
    resolve();
  };
  document.addEventListener('authorized', end);
  signal.addEventListener('abort', end);
});

const visible = (signal) => new Promise((resolve) => {
  if (!document.hidden) return resolve();
  const look = () => {
    if (document.hidden && !signal.aborted) return;
    document.removeEventListener('visibilitychange', look);
    signal.removeEventListener('abort', look);
    resolve();
  };
  document.addEventListener('visibilitychange', look);
  signal.addEventListener('abort', look);
});
