// The server: JSON requests with the token of this session, and event streams that come back where they broke.

const key = 'aikit-lua.token';

const roles = ['read', 'run', 'admin'];

/** Who asks, as far as the server has said it. */
export const principal = { name: '', role: 'admin', workflows: [] };

/** Asks the server who asks; pages hide what a role does not allow by `data-needs`. */
export async function introduce() {
  const { principal: told } = await json('/api/version');
  Object.assign(principal, { name: '', role: 'admin', workflows: [] }, told);
  document.body.dataset.role = roles.includes(principal.role) ? principal.role : 'read';
}

export const session = {
  get token() { return sessionStorage.getItem(key) ?? ''; },
  set token(text) { text ? sessionStorage.setItem(key, text) : sessionStorage.removeItem(key); },
};

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
  if (method === 'GET' && /^\/api\/(runs\/[^/?]+(\/events)?|tasks)(\?|$)/.test(path)) url.searchParams.set('redact', 'true');
  return url;
}

async function ask(path, { method = 'GET', body, headers = {}, signal } = {}) {
  const options = { method, headers: { ...headers }, signal, cache: 'no-store', credentials: 'same-origin' };
  if (session.token) options.headers.Authorization = `Bearer ${session.token}`;
  if (body !== undefined) {
    options.headers['Content-Type'] = 'application/json';
    options.body = JSON.stringify(body);
  }
  let response;
  try {
    response = await fetch(shown(path, method), options);
  } catch (error) {
    if (error.name === 'AbortError') throw error;
    throw new APIError(0);
  }
  if (response.ok) return response;
  const text = await response.text();
  let value;
  try { value = JSON.parse(text); } catch { /* A proxy's page is no answer of ours. */ }
  if (response.status === 401) document.dispatchEvent(new CustomEvent('unauthorized'));
  throw new APIError(response.status, value);
}

/** The JSON of an answer; null for an empty one. */
export async function json(path, options) {
  const response = await ask(path, options);
  const text = await response.text();
  return text ? JSON.parse(text) : null;
}

export const text = async (path, options) => (await ask(path, options)).text();

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
 * A stream that breaks is asked for again behind its last event. While the page is hidden there is none, so that many
 * tabs do not use up a browser's connections; `missed` hears when events without numbers may have been lost.
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
    const hide = () => document.hidden && stop();
    signal.addEventListener('abort', stop);
    document.addEventListener('visibilitychange', hide);
    try {
      const headers = { Accept: 'text/event-stream' };
      if (last > 0) headers['Last-Event-ID'] = String(last);
      const response = await ask(path, { headers, signal: attempt.signal });
      state('live');
      if (!isFirst) missed();
      isFirst = false;
      wait = 500;
      const isOver = await read(response.body.getReader(), async (batch) => {
        for (const frame of batch) if (frame.id > last) last = frame.id;
        await frames(batch);
        return batch.some((frame) => frame.event === 'result');
      });
      if (isOver) return state('over');
    } catch (error) {
      if (signal.aborted) return;
      if (error instanceof APIError && error.status >= 400 && error.status < 500 && error.status !== 429) {
        return state('refused', error);
      }
    } finally {
      signal.removeEventListener('abort', stop);
      document.removeEventListener('visibilitychange', hide);
    }
    if (document.hidden) continue;
    state('broken');
    await pause(wait, signal);
    wait = Math.min(wait * 2, 10_000);
  }
}

/** Reads frames in batches; ends when `take` says so (true) or the stream ends (false). */
async function read(reader, take) {
  const decoder = new TextDecoder();
  let rest = '';
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return false;
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
      try { frame.data = JSON.parse(line.slice(6)); } catch { /* A frame that is cut off is no event. */ }
    }
  }
  return frame;
}

export const pause = (milliseconds, signal) => new Promise((resolve) => {
  const timer = setTimeout(resolve, milliseconds);
  signal?.addEventListener('abort', () => { clearTimeout(timer); resolve(); }, { once: true });
});

const visible = (signal) => new Promise((resolve) => {
  if (!document.hidden) return resolve();
  const look = () => {
    if (document.hidden && !signal.aborted) return;
    document.removeEventListener('visibilitychange', look);
    resolve();
  };
  document.addEventListener('visibilitychange', look);
  signal.addEventListener('abort', look, { once: true });
});
