// The steps of a run as bars over time, in the order of their starts, with bodies that fold.

import { h, icon, put, setAttribute, setText } from './dom.js';
import { count, duration, exact } from './format.js';
import { stepKey } from './run-model.js';
import { VirtualList } from './virtual.js';
import { emptyWith, statusName } from './widgets.js';

// A body of more than this many starts shows its first and last ones, with what lies between folded.
const longBody = 24;
const ends = 8;
// A wait that is cut short takes this share of all work for each time that it is twice as long, and all of them together at most
// `mostWaits` times the work: what was hardly work beside its wait does not look like work.
const cut = 0.2;
const mostWaits = 4;

const names = {
  run: 'Running', tried: 'Attempt that failed', backoff: 'Waits for the next attempt', wait: 'Waits', person: 'Waits for a person',
  undo: 'Is undone', 'undo-failed': 'Could not be undone',
};
const undoing = { running: 'being undone', waiting: 'being undone', success: 'undone', failed: 'not undone' };

/** `chosen(step)` hears what was selected; while `isReading()` what the model holds is a part of the run. */
export function timeline(model, { chosen, now, isReading = () => false }) {
  const choice = new Map();
  let rows = [];
  let shape = -1;
  let version = -1;
  let axis = { at: (time) => time, cuts: [] };
  let isCut = null;
  let selected = null;

  const isOpen = (step) => choice.get(step) ?? (step.depth < 6 || step.children.length < 3);
  const build = () => {
    rows = [];
    const walk = (steps, owner) => {
      const folds = steps.length > longBody && choice.get(`${owner ? stepKey(owner) : ''}*`) !== true;
      const visit = (step) => {
        rows.push({ step });
        if (step.children.length > 0 && isOpen(step)) walk(step.children, step);
      };
      if (!folds) return steps.forEach(visit);
      steps.slice(0, ends).forEach(visit);
      rows.push({ fold: owner, depth: steps[0].depth, hidden: steps.slice(ends, -ends) });
      steps.slice(-ends).forEach(visit);
    };
    walk(model.roots, null);
  };

  // Waits in which nothing runs may be cut short, so that work can be seen beside a wait of days.
  const measure = () => {
    const from = model.startedAt ?? model.steps[0]?.from ?? now();
    const to = Math.max(from + 1, model.finishedAt ?? now());
    const busy = [];
    for (const step of model.steps) {
      if (step.children.length > 0) continue;
      for (const span of step.spans) if (span.kind === 'run' || span.kind === 'tried' || span.kind.startsWith('undo')) busy.push([span.from, span.to ?? to]);
    }
    busy.sort((one, other) => one[0] - other[0]);
    const gaps = [];
    let end = from;
    for (const [start, stop] of busy) {
      if (start > end) gaps.push([end, start]);
      if (stop > end) end = stop;
    }
    if (to > end) gaps.push([end, to]);
    const idle = gaps.reduce((sum, gap) => sum + gap[1] - gap[0], 0);
    const work = Math.max(1, to - from - idle);
    const long = gaps.filter((gap) => gap[1] - gap[0] > Math.max(work * 0.5, 1000)).slice(0, 40);
    isCut ??= long.length > 0 ? true : null;
    cutBox.parentElement.hidden = long.length === 0;
    if (!isCut || long.length === 0) return { from, to, cuts: [], at: (time) => (time - from) / (to - from) };
    const spared = long.reduce((sum, gap) => sum + gap[1] - gap[0], 0);
    const rest = Math.max(1, to - from - spared);
    const wanted = long.map(([start, stop]) => rest * cut * (1 + Math.log2(Math.max(1, (stop - start) / rest))));
    const all = wanted.reduce((sum, one) => sum + one, 0);
    const scale = Math.min(1, (rest * mostWaits) / all);
    const length = to - from - spared + all * scale;
    const at = (time) => {
      let passed = time - from;
      long.forEach(([start, stop], index) => {
        if (time <= start) return;
        const inside = Math.min(time, stop) - start;
        passed += (inside / (stop - start)) * wanted[index] * scale - inside;
      });
      return passed / length;
    };
    return { from, to, at, cuts: long.map(([start, stop]) => ({ from: at(start), to: at(stop), time: stop - start })) };
  };

  const ruler = h('div', { class: 'ruler', 'aria-hidden': 'true' });
  const cutBox = h('input', { type: 'checkbox', id: 'cut-waits', onchange: () => { isCut = cutBox.checked; refresh(true); } });
  // Kept, since to ask for it within a frame has the page laid out twice.
  let width = 0;
  const ruled = new ResizeObserver(() => {
    if (ruler.clientWidth === width) return;
    width = ruler.clientWidth;
    drawRuler();
  });
  ruled.observe(ruler);
  let drawnRuler = '';
  const drawRuler = () => {
    const key = `${width} ${axis.from} ${axis.to} ${axis.cuts.map(({ from, to }) => `${from} ${to}`).join()}`;
    if (width === 0 || axis.from === undefined || key === drawnRuler) return;
    drawnRuler = key;
    put(ruler);
    const length = axis.to - axis.from;
    if (axis.cuts.length === 0) {
      // As many as have room before the one at the end.
      const ticks = width < 200 ? 1 : width < 360 ? 2 : 3;
      let told = duration(0);
      for (let tick = 0; tick < ticks; tick += 1) {
        // Of a run of few milliseconds two places may have one time.
        const text = duration((length * tick) / ticks);
        if (tick > 0 && (text === told || text === duration(length))) continue;
        told = text;
        const mark = h('span', { class: 'tick num' }, tick === 0 ? '0' : text);
        mark.style.left = `${(tick * 100) / ticks}%`;
        ruler.append(mark);
      }
    } else {
      ruler.append(h('span', { class: 'tick num' }, '0'));
      let last = 0.06;
      for (const gap of axis.cuts) {
        if (gap.from < last + 0.16 && last > 0.06) continue;
        last = gap.from;
        const mark = h('span', { class: 'tick tick-cut num' }, `${duration(gap.time)} wait`);
        // Near the right end the words stand before the cut.
        if (gap.from > 0.7) { mark.style.right = `${(1 - gap.to) * 100}%`; mark.classList.add('is-before'); } else mark.style.left = `${gap.from * 100}%`;
        ruler.append(mark);
      }
      if (last > 0.6) return;
    }
    const whole = h('span', { class: 'tick tick-end num' }, duration(length));
    ruler.append(whole);
  };

  const list = new VirtualList({
    label: 'Steps', role: 'tree', rowRole: 'treeitem',
    rowHeight: () => (matchMedia('(max-width: 720px)').matches ? 48 : 32),
    create: () => {
      const part = {
        fold: h('button', { type: 'button', class: 'fold', tabindex: '-1', 'aria-label': 'Fold', 'aria-hidden': 'true' }, icon('open', 12)),
        mark: h('span', { class: 'badge badge-mark' }), name: h('span', { class: 'step-name' }), note: h('span', { class: 'step-note num' }),
        lane: h('div', { class: 'lane' }), took: h('span', { class: 'step-took num' }),
      };
      const head = h('div', { class: 'step-head' }, part.fold, part.mark, part.name, part.note);
      const row = h('div', { class: 'step-row', tabindex: '-1' }, head, part.lane, part.took);
      row._part = part;
      part.head = head;
      part.fold.addEventListener('click', (event) => { event.stopPropagation(); flip(rows[row._index]); });
      row.addEventListener('click', () => pick(row._index));
      // Under the pointer only: to write out a time takes longer than all else in a row.
      part.lane.addEventListener('pointerover', ({ target }) => {
        const span = rows[row._index]?.step?.spans[[...part.lane.children].indexOf(target)];
        if (span && names[span.kind]) target.title = `${names[span.kind]}: ${duration((span.to ?? axis.to) - span.from)}, from ${exact(span.from)}`;
        else target.removeAttribute('title');
      });
      return row;
    },
    update: (row, index) => {
      const entry = rows[index];
      if (!entry) return;
      row._index = index;
      if (entry.step) fillStep(row, entry.step);
      else fillFold(row, entry);
    },
  });

  const fillFold = (row, { hidden, depth }) => {
    const part = row._part;
    row.className = 'step-row virtual-row is-fold';
    row.setAttribute('aria-level', depth + 1);
    row.removeAttribute('aria-selected');
    row.tabIndex = -1;
    part.head.style.paddingInlineStart = `${Math.min(depth, 10) * 16}px`;
    part.fold.hidden = true;
    part.mark.hidden = true;
    const failed = hidden.filter((step) => step.status === 'failed').length;
    const done = hidden.filter((step) => step.to !== undefined).length;
    setText(part.name, isReading() ? 'More' : `${count(hidden.length)} more`);
    setText(part.note, isReading() ? '…' : `${count(done)} done${failed ? `, ${count(failed)} failed` : ''}`);
    setText(part.took, '');
    row.setAttribute('aria-label', `${hidden.length} more steps. Enter shows them`);
    bars(part.lane, hidden.length > 0 ? [{ kind: 'many', from: hidden[0].from, to: hidden.at(-1).to ?? axis.to }] : []);
  };

  const fillStep = (row, step) => {
    const part = row._part;
    row.className = `step-row virtual-row is-${step.status}${step === selected ? ' is-selected' : ''}`;
    row.setAttribute('aria-level', step.depth + 1);
    row.setAttribute('aria-selected', step === selected);
    // Tab comes to the step that was chosen, or else to the first one.
    row.tabIndex = step === selected || (!selected && row._index === 0) ? 0 : -1;
    part.head.style.paddingInlineStart = `${Math.min(step.depth, 10) * 16}px`;
    const hasBody = step.children.length > 0;
    part.fold.hidden = !hasBody;
    if (hasBody) row.setAttribute('aria-expanded', isOpen(step));
    else row.removeAttribute('aria-expanded');
    part.mark.hidden = false;
    if (part.status !== step.status) {
      part.status = step.status;
      part.mark.className = `badge badge-mark is-${step.status}`;
      put(part.mark, icon(step.status, 14));
    }
    setText(part.name, step.ordinal ? `${step.ordinal} · ${step.id}` : step.id);
    setAttribute(part.name, 'title', step.path);
    const notes = [];
    if (hasBody && step.children.length > 1) notes.push(isReading() ? '…' : `${count(step.done)}/${count(step.children.length)}`);
    if (step.attempts > 1) notes.push(`${step.attempts} attempts`);
    if (step.branch !== undefined) notes.push(`→ ${step.branch}`);
    if (step.start > 1) notes.push(`start ${count(step.start)}`);
    if (step.compensation) notes.push(undoing[step.compensation.status]);
    part.note.classList.toggle('is-undone', Boolean(step.compensation));
    setText(part.note, notes.join(' · '));
    const time = (step.to ?? axis.to) - step.from;
    setText(part.took, duration(time));
    setAttribute(row, 'aria-label', `${step.path}, ${statusName(step.status)}, ${duration(time)}`);
    bars(part.lane, step.spans, hasBody);
  };

  const bars = (lane, spans, isBody) => {
    if (spans.length > 16) spans = [{ ...spans[0], to: spans.at(-1).to, kind: 'many' }];
    while (lane.children.length > spans.length) lane.lastChild.remove();
    spans.forEach((span, at) => {
      const bar = lane.children[at] ?? lane.appendChild(h('div'));
      const from = axis.at(span.from);
      const to = axis.at(span.to ?? axis.to);
      const kind = `bar bar-${span.kind}${isBody ? ' bar-body' : ''}${span.to === undefined ? ' bar-open' : ''}`;
      if (bar.className !== kind) bar.className = kind;
      const left = `${(from * 100).toFixed(3)}%`;
      const width = `${Math.max(0, (to - from) * 100).toFixed(3)}%`;
      if (bar.style.left !== left) bar.style.left = left;
      if (bar.style.width !== width) bar.style.width = width;
    });
  };

  const flip = (entry, to) => {
    if (!entry) return;
    if (entry.hidden) choice.set(`${entry.fold ? stepKey(entry.fold) : ''}*`, true);
    else if (entry.step.children.length > 0) choice.set(entry.step, to ?? !isOpen(entry.step));
    else return;
    refresh(true);
  };
  const pick = (index) => {
    const entry = rows[index];
    if (!entry) return;
    if (entry.hidden) return flip(entry);
    selected = entry.step;
    list.refresh();
    chosen(selected);
  };

  function refresh(force = false) {
    if (force || shape !== model.shape) {
      shape = model.shape;
      build();
      list.setCount(rows.length);
      // Where the page scrolls as a whole the list is as long as its steps, up to a share of the screen.
      list.element.style.setProperty('--steps', String(rows.length));
      nothing.hidden = rows.length > 0 || isReading();
      head.hidden = rows.length === 0;
    }
    if (force || version !== model.version || model.open.size > 0) {
      version = model.version;
      axis = measure();
      cutBox.checked = Boolean(isCut);
      drawRuler();
      explain();
      list.refresh();
    }
  }

  // Only what the run has is explained.
  const kinds = { done: 'Done', now: 'Running', failed: 'Failed', cancelled: 'Cancelled', tried: 'Failed attempt', backoff: 'Backoff', wait: 'Waits', person: 'Person', undo: 'Undone', 'undo-failed': 'Not undone' };
  const legend = h('div', { class: 'legend', 'aria-hidden': 'true' }, Object.entries(kinds).map(([kind, name]) =>
    h('span', { 'data-kind': kind, hidden: true }, h('i', { class: `bar bar-${kind}` }), name)));
  const explain = () => {
    const seen = new Set();
    for (const step of model.steps) {
      for (const span of step.spans) {
        if (span.kind === 'run') seen.add(step.status === 'failed' || step.status === 'cancelled' ? step.status : span.to === undefined ? 'now' : 'done');
        else seen.add(span.kind);
      }
    }
    for (const entry of legend.children) entry.hidden = !seen.has(entry.dataset.kind);
    // What marks and colours say by themselves needs no words.
    legend.hidden = [...seen].every((kind) => kind === 'done' || kind === 'now' || kind === 'failed' || kind === 'cancelled');
    tools.hidden = legend.hidden && cutBox.parentElement.hidden;
  };
  const nothing = h('div', { class: 'timeline-empty', hidden: true }, emptyWith({ sign: 'runs' }, 'No step has begun yet', 'Each step comes here as it begins, as a bar over the time that it takes.'));
  const tools = h('div', { class: 'timeline-tools', hidden: true }, legend, h('label', { class: 'check', hidden: true }, cutBox, 'Cut waits short'));
  const head = h('div', { class: 'timeline-head', hidden: true }, h('span', null, 'Step'), ruler, h('span', { class: 'step-took' }, 'Took'));
  // Below the steps, so that none of them moves when there is something to explain.
  const element = h('div', { class: 'timeline' }, head, nothing, list.element, tools);

  const place = () => rows.findIndex((entry) => entry.step && entry.step === selected);
  return {
    element, refresh,
    select(step) {
      selected = step;
      for (let at = step?.parent; at; at = at.parent) if (!isOpen(at)) choice.set(at, true);
      refresh(true);
      if (step && place() < 0) {
        choice.set(`${step.parent ? stepKey(step.parent) : ''}*`, true);
        refresh(true);
      }
      if (step) list.reveal(place());
    },
    key(event) {
      const index = place();
      const step = { j: 1, ArrowDown: 1, k: -1, ArrowUp: -1 }[event.key];
      if (step) {
        let to = index < 0 && step < 0 ? rows.length : index;
        to += step;
        while (rows[to] && rows[to].hidden) to += step;
        if (!rows[to]) return true;
        selected = rows[to].step;
        list.isStale = true;
        list.reveal(to)?.focus({ preventScroll: true });
        chosen(selected);
        return true;
      }
      if (event.target.closest?.('button, a')) return false;
      const focused = event.target.closest?.('.step-row');
      if (event.key === 'Enter' && focused && focused._index !== index) { pick(focused._index); return true; }
      if (index >= 0 && (event.key === 'ArrowRight' || event.key === 'ArrowLeft')) { flip(rows[index], event.key === 'ArrowRight'); return true; }
      if (event.key === 'Enter' && index >= 0) { flip(rows[index]); return true; }
      return false;
    },
    destroy() {
      list.destroy();
      ruled.disconnect();
    },
  };
}
