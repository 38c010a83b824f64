// What the events of a run come to: its steps as a tree, how each went, what waits.

/** The place of the construct in whose body a path lies: `picking` for `picking[2]/pick`; empty at the top. */
export function parentPath(path) {
  const slash = path.lastIndexOf('/');
  if (slash < 0) return '';
  const head = path.slice(0, slash);
  return head.endsWith(']') ? head.slice(0, head.lastIndexOf('[')) : head;
}

/** What stands in the brackets before the last part of a path: the number of an item, the name of a branch. */
function ordinal(path) {
  const slash = path.lastIndexOf('/');
  if (slash < 0 || path[slash - 1] !== ']') return '';
  return path.slice(path.lastIndexOf('[', slash) + 1, slash - 1);
}

/** The name by which an address finds a step. */
export const stepKey = (step) => (step.start > 1 ? `${step.path}~${step.start}` : step.path);

/** The newest events, and lines of the log, that the page keeps. */
export const eventLimit = 20_000;
const logLimit = 10_000;
/** The characters of a model's answer that are kept while it is made. */
const saidLimit = 20_000;

export class RunModel {
  constructor() {
    this.steps = [];
    this.roots = [];
    this.open = new Map();
    /** The newest start of each path, over or not: a branch ends before the steps of its case begin. */
    this.latest = new Map();
    this.starts = new Map();
    this.byKey = new Map();
    this.events = [];
    this.dropped = 0;
    this.logs = [];
    this.droppedLogs = 0;
    this.status = '';
    this.sequence = 0;
    /** What the models of the run have used. */
    this.usage = { calls: 0, input: 0, output: 0, cost: 0 };
    this.counts = { success: 0, failed: 0, cancelled: 0, running: 0, waiting: 0, waiting_human: 0, undone: 0 };
    /** Grows when a step appears, and when any changes. */
    this.shape = 0;
    this.version = 0;
  }

  take(event) {
    if (event.sequence) {
      if (event.sequence <= this.sequence) return;
      this.sequence = event.sequence;
    }
    this.version += 1;
    const { type, data, timestamp: at } = event;
    // Nobody keeps these; they are a part of what the step will give.
    if (type === 'step:delta') { this.hear(this.open.get(event.path), data); return; }
    if (type === 'step:model') this.use(this.open.get(event.path), data);
    if (type === 'log' && this.logs.push(event) > logLimit) {
      this.droppedLogs += logLimit / 10;
      this.logs.splice(0, logLimit / 10);
    }
    this.events.push(event);
    if (this.events.length > eventLimit) {
      // What is old can be read by the API; the page keeps what is new.
      this.dropped += eventLimit / 10;
      this.events.splice(0, eventLimit / 10);
    }
    if (event.metadata !== undefined) this.metadata = event.metadata;
    switch (type) {
      case 'workflow:start': this.startedAt = at; this.input = data; this.status = 'running'; break;
      case 'workflow:resumed': this.status = 'running'; break;
      case 'workflow:success': this.output = data; this.hasOutput = true; this.end('success', at); break;
      case 'workflow:error': this.error = data; this.startedAt ??= at; this.end('failed', at); break;
      case 'workflow:cancelled': this.error = data; this.end('cancelled', at); break;
      case 'step:start': this.startStep(event); break;
      case 'step:compensate:start':
      case 'step:compensate:retry':
      case 'step:compensate:success':
      case 'step:compensate:error': this.undo(event); break;
      default: {
        const step = this.open.get(event.path);
        if (step) this.change(step, event);
      }
    }
  }

  /** Puts in what a step got and gave, from whole events of its path. */
  fill(step, events) {
    let isOwn = false;
    for (const { type, occurrence, attempt, data } of events) {
      if (type === 'step:start' && attempt === 1) isOwn = occurrence === step.occurrence;
      if (!isOwn) continue;
      if (type === 'step:start') step.input = data;
      else if (type === 'step:success') { step.output = data; step.hasOutput = true; }
    }
    step.hasValues = step.to !== undefined;
  }

  /** Notes how a step is undone, once the run has come to its end. */
  undo({ type, path, occurrence, data, timestamp: at }) {
    // No step starts any more.
    this.ended ??= new Map(this.steps.map((step) => [`${step.path}#${step.occurrence}`, step]));
    const step = this.ended.get(`${path}#${occurrence}`);
    if (!step) return;
    const status = { start: 'running', retry: 'waiting', success: 'success', error: 'failed' }[type.split(':')[2]];
    step.compensation = { status, error: status === 'failed' || status === 'waiting' ? data : undefined };
    const last = step.spans.at(-1);
    if (last?.to === undefined) last.to = at;
    if (status === 'running') step.spans.push({ kind: 'undo', from: at, to: undefined });
    else if (status === 'waiting') step.spans.push({ kind: 'backoff', from: at, to: undefined });
    else if (status === 'failed' && last) last.kind = 'undo-failed';
    this.counts.undone += Number(status === 'success');
  }

  /** Keeps the text that a model has said so far in a step. */
  hear(step, piece) {
    if (!step || typeof piece?.text !== 'string') return;
    if (piece.kind === 'restart') step.said = '';
    else if (piece.kind === 'text') step.said = ((step.said ?? '') + piece.text).slice(-saidLimit);
  }

  /** Counts a call of a model for the run and for its step. */
  use(step, data) {
    const usage = data?.usage;
    const used = { calls: 1, input: Number(usage?.inputTokens) || 0, output: Number(usage?.outputTokens) || 0, cost: Number(usage?.cost) || 0 };
    if (step) step.usage ??= { calls: 0, input: 0, output: 0, cost: 0, model: data?.model === undefined ? undefined : String(data.model) };
    for (const total of [this.usage, step?.usage]) if (total) for (const name of Object.keys(used)) total[name] += used[name];
  }

  end(status, at) {
    this.status = status;
    this.finishedAt = at;
    for (const step of this.open.values()) this.finish(step, status === 'success' ? 'success' : 'cancelled', at);
  }

  startStep(event) {
    const { path, timestamp: at } = event;
    const known = this.open.get(path);
    if (known && event.attempt > 1) {
      known.attempts = event.attempt;
      this.turn(known, 'run', at);
      this.setStatus(known, 'running');
      return;
    }
    const start = (this.starts.get(path) ?? 0) + 1;
    this.starts.set(path, start);
    const parent = this.latest.get(parentPath(path)) ?? null;
    const step = {
      id: event.stepId, path, start, occurrence: event.occurrence, input: event.data, from: at, to: undefined, status: '',
      attempts: 1, parent, depth: parent ? parent.depth + 1 : 0, ordinal: ordinal(path), children: [], done: 0, living: 0, spans: [],
      tries: [],
    };
    this.setStatus(step, 'running');
    this.turn(step, 'run', at);
    this.open.set(path, step);
    this.latest.set(path, step);
    this.steps.push(step);
    this.byKey.set(stepKey(step), step);
    (parent ? parent.children : this.roots).push(step);
    if (parent) parent.living += 1;
    this.shape += 1;
  }

  change(step, { type, data, timestamp: at }) {
    switch (type) {
      case 'step:success': step.output = data; step.hasOutput = true; this.finish(step, 'success', at); break;
      case 'step:error': step.error = data; this.finish(step, 'failed', at); break;
      case 'step:cancelled': this.finish(step, 'cancelled', at); break;
      case 'step:retry':
        step.tries.push({ error: data, at });
        this.turn(step, 'backoff', at);
        this.setStatus(step, 'waiting');
        break;
      case 'step:waiting': this.turn(step, 'wait', at); this.setStatus(step, 'waiting'); break;
      case 'step:human:requested':
        step.asked = data;
        this.turn(step, 'person', at);
        this.setStatus(step, 'waiting_human');
        this.status = 'waiting_human';
        break;
      case 'step:human:completed': step.response = data?.response; step.answeredBy = data?.by ?? data?.answeredBy; break;
      case 'step:branch': step.branch = data?.branchId; break;
      default:
    }
  }

  /** Ends the span that runs and begins one of another kind. */
  turn(step, kind, at) {
    const last = step.spans.at(-1);
    if (last && last.to === undefined) {
      last.to = at;
      if (kind === 'backoff') last.kind = 'tried';
    }
    if (kind) step.spans.push({ kind, from: at, to: undefined });
  }

  finish(step, status, at) {
    this.turn(step, null, at);
    step.to = at;
    this.setStatus(step, status);
    if (this.open.get(step.path) === step) this.open.delete(step.path);
    if (step.parent) {
      step.parent.done += 1;
      step.parent.living -= 1;
    }
  }

  setStatus(step, status) {
    if (step.status) this.counts[step.status] -= 1;
    this.counts[status] += 1;
    step.status = status;
  }

  /** The step that made the run fail: the innermost one with an error. */
  get culprit() {
    let found;
    for (const step of this.steps) if (step.status === 'failed' && (!found || step.depth >= found.depth)) found = step;
    return found;
  }

  /** Where the run stands by what its innermost steps do; empty where they do not say it. */
  get standing() {
    if (this.finishedAt !== undefined) return this.status;
    let standing = '';
    for (const step of this.open.values()) {
      if (step.living > 0) continue;
      if (step.status === 'running') return 'running';
      if (step.status === 'waiting_human') standing = 'waiting_human';
      else standing ||= step.status;
    }
    return standing;
  }

  /** The steps that wait for a person. */
  get waiting() { return [...this.open.values()].filter((step) => step.status === 'waiting_human'); }

  /** The innermost steps that wait for something else: a time, an event, the next attempt. */
  get expecting() { return [...this.open.values()].filter((step) => step.status === 'waiting' && step.living === 0); }
}
