// One run: how far it has come, live, and what each of its steps got and gave.

import * as api from './api.js';
import { money } from './conversation.js';
import { h, icon, put, setAttribute, setText } from './dom.js';
import { count, duration, exact, isOver, millis, moment, now as serverNow, plural, shortID } from './format.js';
import { cancel, retry, upgrade } from './run-actions.js';
import { eventViews } from './run-events.js';
import { inspector } from './run-inspector.js';
import { RunModel, stepKey } from './run-model.js';
import { timeline } from './timeline.js';
import { badge, button, copy, emptyWith, entriesMeaning, failure, iconButton, tabs, toast } from './widgets.js';

/** A run of more events comes without what its steps got and gave, which is asked for step by step. */
const longRun = 2000;
/** Milliseconds after which a run that is over is looked for again: it may have been removed. */
const lookAfter = 10_000;
/** Milliseconds between two looks at the head of a run of which events come. */
const headerRest = 3000;

export default function runPage(context) {
  const { id } = context.params;
  const model = new RunModel();
  /** What the parts of the page share. */
  const run = {
    id, model, header: null, chosen: null, wanted: context.query.step, waits: null, offspring: { runs: [], next: null, shown: '' },
    isBrief: false, isLoaded: false, status: () => status(), choose: (step) => choose(step),
  };
  let picture = null;
  let shownStatus = '';
  let newest = null;
  let frame = 0;
  let isGone = false;
  let last = 0;
  // While the recorded events are still coming in, what they say so far is the past.
  const isBehind = () => Boolean(run.header) && (isOver(run.header.status) || model.sequence < run.header.events);
  const status = () => (isBehind() ? run.header.status : model.standing || run.header?.status || '');
  /** Whether so much is still to come that figures of what came would mislead. */
  const isReading = () => run.isBrief && !run.isLoaded;

  // MARK: Head

  const title = h('h1', { class: 'run-title', title: id, tabindex: '-1' }, shortID(id));
  const mark = h('span', { class: 'run-status', role: 'status' });
  const live = h('span', { class: 'live' }, h('span', { class: 'live-dot' }), h('span', { class: 'live-text' }));
  const strip = h('dl', { class: 'strip' });
  const cells = new Map();
  const cell = (name) => {
    if (!cells.has(name)) {
      const content = h('dd', { class: 'num' });
      cells.set(name, content);
      strip.append(h('div', null, h('dt', null, name), content));
    }
    return cells.get(name);
  };
  for (const name of ['Workflow', 'Began', 'Took', 'Steps']) put(cell(name), '–');
  const actions = h('div', { class: 'actions' });
  const drawActions = () => {
    const now = status();
    // There is newer code than that of the run.
    const isOld = Boolean(newest && run.header?.generation && newest !== run.header.generation);
    if (`${now} ${isOld}` === shownStatus) return;
    shownStatus = `${now} ${isOld}`;
    put(mark, badge(now));
    const hadFocus = actions.contains(document.activeElement);
    put(actions,
      isOld && !isOver(now) && button('Upgrade', { 'data-needs': 'admin', onclick: () => upgrade(id).then((isMoved) => isMoved && Promise.all([refreshHeader(), lookForCode()])).catch(() => {}) }),
      (now === 'failed' || now === 'cancelled') && button('Retry', { class: 'primary', 'data-needs': 'run', onclick: () => retry(id, context.go) }),
      now && !isOver(now) && button('Cancel', { class: 'danger-quiet', 'data-needs': 'run', onclick: () => cancel(id) }));
    if (hadFocus) (actions.querySelector('button') ?? title).focus({ preventScroll: true });
  };
  const drawStrip = () => {
    const { header } = run;
    const began = model.startedAt ?? (header && millis(header.createdAt));
    if (began !== undefined && began !== null) {
      setText(cell('Began').previousSibling, status() === 'queued' ? 'Asked for' : 'Began');
      setText(cell('Began'), moment(began));
      setAttribute(cell('Began'), 'title', exact(began));
      const ended = model.finishedAt ?? (header && isOver(header.status) ? millis(header.updatedAt) : serverNow());
      setText(cell('Took').previousSibling, isOver(status()) || status() === 'queued' ? 'Took' : 'So far');
      setText(cell('Took'), status() === 'queued' ? 'not begun' : duration(ended - began));
    }
    if (!run.isLoaded) return;
    const { counts } = model;
    const parts = [count(model.steps.length)];
    if (counts.failed) parts.push(`${count(counts.failed)} failed`);
    if (counts.undone) parts.push(`${count(counts.undone)} undone`);
    setText(cell('Steps'), parts.join(', '));
    setText(cell('Entries'), count(Math.max(header?.events ?? 0, model.sequence)));
    setAttribute(cell('Entries').parentElement, 'title', entriesMeaning);
    if (model.usage.calls > 0) {
      const { calls, input, output, cost } = model.usage;
      setText(cell('Models'), plural(calls, 'call'));
      setText(cell('Tokens'), `${count(input)} in, ${count(output)} out`);
      if (cost > 0) setText(cell('Cost'), money(cost));
    }
  };

  const details = inspector(run, context);

  // MARK: Views

  const lines = timeline(model, { now: () => (run.header && isOver(run.header.status) ? millis(run.header.updatedAt) : serverNow()), chosen: (step) => choose(step, { from: 'timeline' }), isReading });
  const picturePanel = h('div', { class: 'graph-panel' }, h('p', { class: 'muted pad' }, 'Drawing…'));
  let isDrawing = false;
  const drawGraph = async () => {
    if (picture || isDrawing || !run.header) return;
    isDrawing = true;
    try {
      const { graph } = await import('./graph.js');
      picture = await graph(run.header.workflowId, { run: id, signal: context.signal, chosen: chooseNode });
      put(picturePanel, picture.element);
      if (!isReading()) picture.paint(model);
      if (run.chosen) picture.select(picture.placeOf(run.chosen));
    } catch (error) {
      if (!context.signal.aborted) put(picturePanel, failure(error));
    }
    isDrawing = false;
  };
  const chooseNode = (path) => {
    // Of many starts, the one that failed or else the newest one.
    let found;
    for (const step of model.steps) if (picture.placeOf(step) === path && (!found || found.status !== 'failed')) found = step;
    if (found) choose(found, { from: 'graph' });
  };

  const events = eventViews(run, context, (name) => view.current === name);
  const view = tabs({
    label: 'Views', selected: context.query.view,
    changed: (name) => {
      context.note({ view: name === 'timeline' ? '' : name });
      queueMicrotask(() => { element.dataset.view = name; draw(); });
    },
    items: [
      { id: 'timeline', label: 'Timeline', panel: () => lines.element, shown: () => lines.refresh(true) },
      { id: 'graph', label: 'Graph', panel: () => picturePanel, shown: () => drawGraph() },
      { id: 'events', label: 'Events', count: true, panel: events.eventPanel, shown: () => queueMicrotask(() => events.draw(true)) },
      { id: 'logs', label: 'Logs', count: true, panel: () => events.logPanel, shown: () => queueMicrotask(() => events.draw()) },
    ],
  });

  function choose(step, { from } = {}) {
    run.chosen = step;
    run.wanted = null;
    context.note({ step: step ? stepKey(step) : '' });
    element.classList.toggle('has-step', Boolean(step));
    details.draw(true);
    if (from !== 'timeline') lines.select(step);
    if (picture && from !== 'graph') picture.select(step ? picture.placeOf(step) : '');
    else picture?.select(step ? picture.placeOf(step) : '');
  }

  // MARK: Drawing

  // A large run takes its time to come: until then its figures are those of a part.
  const progress = h('progress', { 'aria-label': 'Entries read' });
  const readingText = h('span');
  const reading = h('div', { class: 'reading', role: 'status', hidden: true }, readingText, progress);
  const drawReading = () => {
    reading.hidden = !isReading();
    if (reading.hidden) return;
    progress.max = run.header.events;
    progress.value = Math.min(model.sequence, run.header.events);
    setText(readingText, `Loading ${count(run.header.events)} entries…`);
  };

  // What draws itself in between shows the whole from now on, so the bar goes at once.
  const loaded = () => {
    run.isLoaded = true;
    drawReading();
  };

  function draw() {
    if (frame) return;
    // A long run is drawn less often, so that it stays easy to use while it goes on.
    const rest = Math.max(0, last + Math.min(500, model.steps.length / 20) - performance.now());
    frame = setTimeout(() => requestAnimationFrame(() => {
      frame = 0;
      last = performance.now();
      if (context.signal.aborted || isGone) return;
      if (run.wanted && model.byKey.has(run.wanted)) choose(model.byKey.get(run.wanted));
      drawActions();
      drawStrip();
      drawReading();
      view.count('events', isReading() ? 0 : model.events.length + model.dropped);
      view.count('logs', isReading() ? 0 : model.logs.length + model.droppedLogs);
      if (view.current === 'timeline') lines.refresh();
      else if (view.current === 'graph' && !isReading()) picture?.paint(model);
      events.draw();
      if (run.isLoaded || isReading()) details.draw();
    }), rest);
  }
  let ticks = 0;
  let lookedAt = performance.now();
  /** A run that is over says nothing more, not even that it was removed. */
  const lookForRun = () => {
    if (document.hidden || !run.isLoaded || !isOver(status())) return;
    lookedAt = performance.now();
    refreshHeader().catch(() => {});
  };
  /** Whether there is newer code than that of the run; it may be saved at any time. */
  const lookForCode = async () => {
    if (document.hidden || !run.header || (run.isLoaded && isOver(status()))) return;
    const workflow = await api.json(`/api/workflows/${api.segment(run.header.workflowId)}`, { signal: context.signal });
    const isFirst = run.waits === null;
    run.waits = workflow.waits;
    newest = workflow.generation;
    if (isFirst && run.isLoaded) details.draw(true);
    draw();
  };
  const look = () => { lookForRun(); lookForCode().catch(() => {}); };
  document.addEventListener('visibilitychange', look, { signal: context.signal });
  addEventListener('focus', look, { signal: context.signal });
  const clock = setInterval(() => {
    if (isOver(status())) {
      if (performance.now() - lookedAt > lookAfter) lookForRun();
      return;
    }
    // What stands before a run in the queue changes without an event of the run.
    if ((ticks += 1) % 30 === 0) lookForCode().catch(() => {});
    if (ticks % 5 === 0 && status() === 'queued' && !document.hidden) refreshHeader().catch(() => {});
    draw();
  }, 1000);

  // MARK: Data

  // The runs that came of this one: forks, retries, what it started, its next part. They may come at any time.
  const mostOffspring = 20;
  const readOffspring = async () => {
    const { runs, next } = await api.json(`/api/runs${api.query({ lineage: id, limit: mostOffspring })}`, { signal: context.signal });
    run.offspring = { runs, next, shown: runs.map(({ runId, status: its }) => `${runId} ${its}`).join() };
    draw();
  };
  let headerAt = -headerRest;
  const refreshHeader = async () => {
    headerAt = performance.now();
    try {
      run.header = await api.json(`/api/runs/${api.segment(id)}?summary=true`, { signal: context.signal });
    } catch (error) {
      if (error.status === 404) showGone();
      throw error;
    }
    put(cell('Workflow'), h('a', { href: `#/workflows/${api.segment(run.header.workflowId)}` }, run.header.workflowId));
    draw();
    readOffspring().catch(() => {});
  };
  /** Takes events in slices short enough that the page answers meanwhile. */
  const takeAll = async (events) => {
    // Of many, to read the text has taken its time already.
    let begun = events.length > 1000 ? 0 : performance.now();
    for (const event of events) {
      if (performance.now() - begun > 8) {
        draw();
        await new Promise((resolve) => setTimeout(resolve));
        if (context.signal.aborted) return;
        begun = performance.now();
      }
      model.take(event);
    }
  };
  // What is recorded comes in pages, which are smaller and sooner read than the frames of a stream.
  const readPages = async () => {
    for (let next = 0; next !== null && !context.signal.aborted;) {
      const page = await api.json(`/api/runs/${api.segment(id)}/events${api.query({ brief: run.isBrief || undefined, limit: 10_000, after: next || undefined })}`, { signal: context.signal });
      await takeAll(page.events);
      next = page.next;
    }
  };
  (async () => {
    try {
      await refreshHeader();
      if (view.current === 'graph') drawGraph();
    } catch (error) {
      if (!context.signal.aborted && error.status !== 404) put(element, h('div', { class: 'page-head' }, h('h1', null, 'Run')), failure(error, context.again));
      return;
    }
    lookForCode().catch(() => {});
    run.isBrief = run.header.events > longRun;
    draw();
    try {
      await readPages();
      loaded();
      draw();
    } catch (error) {
      if (!context.signal.aborted && error.status !== 401) toast(error.message, { kind: 'error' });
    }
    if (context.signal.aborted) return;
    const tell = (name, error) => {
      live.className = `live is-${name}`;
      setText(live.lastChild, { live: 'Live', over: 'Over', broken: 'Reconnecting', refused: error?.message ?? 'Not live' }[name]);
    };
    // Nothing comes to a run that is over: a stream would only say again all that it came to.
    if (isOver(run.header.status) && model.finishedAt !== undefined) return tell('over');
    let again = 0;
    api.follow(`/api/runs/${api.segment(id)}/events${run.isBrief ? '?brief=true' : ''}`, {
      signal: context.signal, after: model.sequence,
      state: (name, error) => {
        tell(name, error);
        if (name === 'over') { loaded(); refreshHeader().catch(() => {}); }
      },
      frames: async (batch) => {
        await takeAll(batch.filter(({ event }) => event !== 'run' && event !== 'result' && event !== 'error').map(({ data }) => data));
        loaded();
        draw();
        // Whether a run stands still is known to the store a moment after its event.
        again ||= setTimeout(() => { again = 0; if (!context.signal.aborted && !isOver(status())) refreshHeader().catch(() => {}); }, Math.max(700, headerAt + headerRest - performance.now()));
      },
    });
  })();

  const element = h('div', { class: 'page page-fill run-page' },
    h('header', { class: 'page-head' }, h('a', { class: 'icon-button back', href: '#/runs', 'aria-label': 'All runs' }, icon('back')),
      title, iconButton('Copy the run id', 'copy', { onclick: () => copy(id, 'Run id copied') }), mark, h('span', { class: 'grow' }), live, actions),
    strip, h('div', { class: 'run-split' }, h('section', { class: 'run-main', 'aria-label': 'Steps' }, view.bar, reading, view.body), details.element));
  element.dataset.view = view.current;
  /** Stands in for a run that is not, or no more, in the store. */
  function showGone() {
    const wasThere = run.header !== null;
    clearInterval(clock);
    isGone = true;
    put(element, h('div', { class: 'page-head' }, h('a', { class: 'icon-button back', href: '#/runs', 'aria-label': 'All runs' }, icon('back')), h('h1', { class: 'run-title', title: id }, wasThere ? shortID(id) : 'Run')),
      emptyWith({ sign: 'runs' }, wasThere ? 'This run was removed' : 'There is no such run', wasThere ? 'It is no longer in the store.' : 'It may have been removed.', h('a', { href: '#/runs' }, 'Show all runs')));
    element.classList.remove('run-page');
  }

  return {
    element, title: shortID(id),
    key(event) {
      if (isGone) return false;
      if (event.key === 'Escape' && run.chosen) { choose(null); return true; }
      const by = { j: 1, k: -1 }[event.key];
      if (by && picture && view.current === 'graph') { picture.move(by); return true; }
      return view.current === 'timeline' && !event.target.closest?.('[role=tab]') ? lines.key(event) : false;
    },
    destroy() {
      clearInterval(clock);
      clearTimeout(frame);
      lines.destroy();
      events.destroy();
      picture?.destroy();
    },
  };
}
