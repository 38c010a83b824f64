// How the server is: its figures, asked for every two seconds, as numbers and small plots.

import * as api from './api.js';
import { append, h, icon, put, s, setText } from './dom.js';
import { ago, bytes, compact, count, duration, statuses } from './format.js';
import { money } from './conversation.js';
import { failure } from './widgets.js';

const interval = 2000;
const soon = 1000;
const kept = 150;
const history = new Map();

/** `name{labels} value` lines as [{ name, labels, value }]. */
function parse(text) {
  const samples = [];
  for (const line of text.split('\n')) {
    const match = /^([a-z_][a-z0-9_]*)(?:\{(.*)\})? (\S+)$/i.exec(line);
    if (!match) continue;
    const labels = {};
    for (const [, name, value] of (match[2] ?? '').matchAll(/([a-z_]+)="((?:[^"\\]|\\.)*)"/gi)) labels[name] = value.replace(/\\(.)/g, (_, one) => (one === 'n' ? '\n' : one));
    samples.push({ name: match[1], labels, value: Number(match[3]) });
  }
  return samples;
}

const sum = (samples, name, fits = () => true) => {
  const found = samples.filter((sample) => sample.name === name && fits(sample.labels));
  return found.length === 0 ? undefined : found.reduce((total, sample) => total + sample.value, 0);
};

/** The value below which a share of all observations between two moments lay. */
function quantile(now, before, name, share) {
  const buckets = new Map();
  for (const [samples, sign] of [[now, 1], [before, -1]]) {
    for (const { name: other, labels, value } of samples) if (other === `${name}_bucket`) buckets.set(labels.le, (buckets.get(labels.le) ?? 0) + sign * value);
  }
  const list = [...buckets].map(([le, value]) => [le === '+Inf' ? Infinity : Number(le), value]).sort((one, other) => one[0] - other[0]);
  const total = list.at(-1)?.[1] ?? 0;
  if (total <= 0) return undefined;
  return list.find(([, value]) => value >= total * share)?.[0];
}

/** A process that drives runs, and what it carries. */
function nodeRow(node) {
  const carried = Object.entries(node.runs).map(([status, value]) => h('span', { class: `badge is-${status} num`, title: statuses[status] ?? status }, icon(status, 14), `${count(value)} `, h('span', null, (statuses[status] ?? status).toLowerCase())));
  return h('tr', { class: node.isAlive ? null : 'is-gone' },
    h('th', { scope: 'row' }, node.name, node.isSelf ? h('span', { class: 'muted' }, ' (this server)') : null),
    h('td', null, h('span', { class: `badge is-${node.isAlive ? 'success' : 'failed'}` }, icon(node.isAlive ? 'success' : 'failed', 14), node.isAlive ? 'Alive' : `Gone, its lease ran out ${ago(node.leaseUntil)}`)),
    h('td', null, carried.length > 0 ? h('span', { class: 'node-runs' }, carried) : h('span', { class: 'muted' }, 'no runs')));
}

export default function healthPage(context) {
  const state = h('div', { 'aria-live': 'polite' });
  /** All that is known of the server; not shown while it has said nothing. */
  const figures = h('div', { class: 'stack', hidden: true });
  const grid = h('div', { class: 'plots' });
  const statusBars = h('div', { class: 'status-bars' });
  const nodeRows = h('tbody');
  let before = null;

  const plots = [
    { id: 'runs', title: 'Runs that end', unit: 'a second', read: (now, old, time) => rate(now, old, 'aikit_runs_total', time) ?? 0, show: (value) => value.toFixed(1) },
    { id: 'requests', title: 'Requests', unit: 'a second', read: (now, old, time) => rate(now, old, 'aikit_http_requests_total', time, ({ route }) => route !== 'GET /metrics'), show: (value) => value.toFixed(1) },
    { id: 'live', title: 'Runs driven here', unit: 'now', read: (now) => sum(now, 'aikit_live_runs'), show: count },
    { id: 'queue', title: 'Queue', unit: 'not begun', read: (now) => sum(now, 'aikit_queue_length'), show: count },
    { id: 'store', title: 'Store', unit: 'on disk', read: (now) => sum(now, 'aikit_store_bytes'), show: bytes },
    { id: 'memory', title: 'Memory', unit: 'resident', read: (now) => sum(now, 'process_resident_memory_bytes'), show: bytes },
    { id: 'workers', title: 'Workers', unit: 'busy', read: busy, show: (value) => `${Math.round(value * 100)}%` },
    { id: 'streams', title: 'Open streams', unit: 'now', read: (now) => sum(now, 'aikit_sse_clients'), show: count },
    { id: 'run-time', title: 'Half of all runs take', unit: 'or less', read: (now) => quantile(now, [], 'aikit_run_duration_seconds', 0.5), show: seconds },
    { id: 'step-time', title: '95% of steps take', unit: 'or less', read: (now) => quantile(now, [], 'aikit_step_duration_seconds', 0.95), show: seconds },
    { id: 'request-time', title: '95% of requests take', unit: 'or less', read: (now) => quantile(now, [], 'aikit_http_request_duration_seconds', 0.95), show: seconds },
    { id: 'retries', title: 'Retries', unit: 'in all', read: (now) => sum(now, 'aikit_step_retries_total') ?? 0, show: count },
    { id: 'models', title: 'Tokens of models', unit: 'in all', read: (now) => sum(now, 'aikit_model_tokens_total', ({ kind }) => kind === 'input' || kind === 'output'), show: compact },
    { id: 'cost', title: 'Cost of models', unit: 'in all', read: (now) => sum(now, 'aikit_model_cost_total'), show: money },
  ];
  function seconds(value) { return value === Infinity ? '> 1 h' : duration(value * 1000); }
  function rate(now, old, name, time, fits) {
    if (!old) return undefined;
    return Math.max(0, (sum(now, name, fits) ?? 0) - (sum(old, name, fits) ?? 0)) / (time / 1000);
  }

  /** The share of the time since the figures before that the workers were busy. */
  function busy(now, old, time) {
    const workers = now.filter(({ name }) => name === 'aikit_worker_busy_seconds_total').length;
    const share = rate(now, old, 'aikit_worker_busy_seconds_total', time);
    return workers === 0 || share === undefined ? undefined : Math.min(1, share / workers);
  }

  const cards = new Map(plots.map((plot) => {
    const value = h('span', { class: 'plot-value num' }, '–');
    const curve = s('polyline', { class: 'plot-line', points: '' });
    const area = s('polygon', { class: 'plot-area', points: '' });
    const picture = s('svg', { class: 'plot', viewBox: '0 0 150 40', preserveAspectRatio: 'none', role: 'img', 'aria-label': `${plot.title} over the last five minutes` }, s('line', { class: 'plot-base', x1: 0, x2: 150, y1: 39.5, y2: 39.5 }), area, curve);
    const card = h('section', { class: 'card plot-card', 'aria-label': plot.title, 'data-plot': plot.id }, h('h2', null, plot.title), h('div', { class: 'plot-now' }, value, h('span', { class: 'muted small' }, plot.unit)), picture);
    grid.append(card);
    return [plot.id, { card, value, curve, area }];
  }));

  const draw = (plot) => {
    const values = history.get(plot.id) ?? [];
    const { card, value, curve, area } = cards.get(plot.id);
    const last = values.at(-1);
    setText(value, last === undefined ? '–' : plot.show(last));
    card.classList.toggle('is-empty', last === undefined);
    // Models are told of once one was called.
    if (plot.id === 'models' || plot.id === 'cost') card.hidden = last === undefined;
    const known = values.map((one) => (one === undefined || !Number.isFinite(one) ? 0 : one));
    const top = Math.max(1e-9, ...known) * 1.15;
    // The first minute fills the plot, and five minutes are the most that it shows.
    const step = 150 / (Math.min(kept, Math.max(30, known.length)) - 1);
    const from = 150 - (known.length - 1) * step;
    const points = known.map((one, index) => `${(from + index * step).toFixed(1)},${(39 - (one / top) * 37).toFixed(2)}`);
    curve.setAttribute('points', points.join(' '));
    area.setAttribute('points', points.length > 1 ? `${from.toFixed(1)},40 ${points.join(' ')} 150,40` : '');
  };

  let at = 0;
  // Said once, not every two seconds.
  let told = '';
  const tell = (words, make) => {
    if (words === told) return;
    told = words;
    put(state, make());
  };
  const look = async () => {
    try {
      const [text, ready] = await Promise.all([
        api.text('/metrics', { signal: context.signal }),
        api.json('/health/ready', { signal: context.signal }).catch((error) => (error.body ? error.body : Promise.reject(error))),
      ]);
      const now = parse(text);
      const time = performance.now();
      for (const plot of plots) {
        const values = history.get(plot.id) ?? [];
        values.push(plot.read(now, before, time - at));
        if (values.length > kept) values.shift();
        history.set(plot.id, values);
        draw(plot);
      }
      // What is told by a difference needs two looks: the second one comes soon.
      if (before === null && !context.signal.aborted) setTimeout(() => !context.signal.aborted && look(), soon);
      [before, at] = [now, time];
      figures.hidden = false;
      const isWell = ready.status === 'ok';
      const words = isWell ? 'Ready: takes requests, and the store answers' : `Not ready: ${(ready.problems ?? []).join('; ')}`;
      tell(words, () => h('div', { class: `notice ${isWell ? 'is-well' : 'is-error'}` }, icon(isWell ? 'success' : 'failed'), h('div', null, words)));
      const byStatus = Object.keys(statuses).map((status) => [status, sum(now, 'aikit_stored_runs', (labels) => labels.status === status) ?? 0]);
      const most = Math.max(1, ...byStatus.map(([, value]) => value));
      put(statusBars, byStatus.map(([status, value]) => {
        const bar = h('span', { class: `status-bar is-${status}` });
        bar.style.width = `${(value / most) * 100}%`;
        return h('a', { class: 'status-line', href: `#/runs?status=${status}` }, h('span', { class: `badge is-${status}` }, icon(status, 14), h('span', null, statuses[status])), h('span', { class: 'status-track' }, bar), h('span', { class: 'num' }, count(value)));
      }));
    } catch (error) {
      if (!context.signal.aborted) tell(error.message, () => failure(error, figures.hidden ? lookAtAll : undefined));
    }
  };
  // By itself: a store that does not answer holds up none of the figures.
  let asks = false;
  const lookAtNodes = async () => {
    if (asks) return;
    asks = true;
    try {
      const { nodes } = await api.json('/api/nodes', { signal: context.signal });
      put(nodeRows, nodes.length === 0 ? h('tr', null, h('td', { colspan: 3, class: 'muted' }, 'No process drives runs now')) : nodes.map(nodeRow));
    } catch (error) {
      // That the server is away is said above, for all of the page.
      if (!context.signal.aborted && error.status !== 0) put(nodeRows, h('tr', null, h('td', { colspan: 3, class: 'muted' }, error.message)));
    } finally {
      asks = false;
    }
  };
  append(figures, [grid,
    h('section', { class: 'card', 'aria-labelledby': 'nodes' }, h('h2', { id: 'nodes' }, 'Nodes'),
      h('div', { class: 'scroll-x' }, h('table', { class: 'nodes' }, h('thead', null, h('tr', null, h('th', { scope: 'col' }, 'Process'), h('th', { scope: 'col' }, 'State'), h('th', { scope: 'col' }, 'Carries'))), nodeRows))),
    h('section', { class: 'card', 'aria-labelledby': 'by-status' }, h('h2', { id: 'by-status' }, 'Runs in the store'), statusBars)]);
  for (const plot of plots) draw(plot);
  const lookAtAll = () => {
    look();
    lookAtNodes();
  };
  lookAtAll();
  const timer = setInterval(() => !document.hidden && lookAtAll(), interval);
  return {
    title: 'Health',
    element: h('div', { class: 'page' }, h('header', { class: 'page-head' }, h('h1', null, 'Health'), h('span', { class: 'grow' }), h('a', { class: 'link', href: 'metrics' }, 'Figures for Prometheus')), state, figures),
    destroy: () => clearInterval(timer),
  };
}
