// One run: how far it has come, live, and what each of its steps got and gave.

import * as api from './api.js';
import { h, icon, put, setAttribute, setText } from './dom.js';
import { count, duration, exact, isOver, millis, moment, now as serverNow, plural, shortID } from './format.js';
import { cancel, fork, retry, signal as sendEvent, upgrade } from './run-actions.js';
import { RunModel, stepKey } from './run-model.js';
import { bubble, conversation, messagesOf, money, transcript } from './conversation.js';
import { timeline } from './timeline.js';
import { VirtualList } from './virtual.js';
import { badge, button, copy, emptyWith, facts, failure, iconButton, line, queueReason, sourceLines, tabs, tagChip, time, toast, valueBox } from './widgets.js';

export default function runPage(context) {
  const { id } = context.params;
  const model = new RunModel();
  let header = null;
  let picture = null;
  let chosen = null;
  let wanted = context.query.step;
  let isLoaded = false;
  let shownStatus = '';
  let newest = null;
  let offspring = { runs: [], next: null, shown: '' };
  let frame = 0;
  let last = 0;
  // While the recorded events are still coming in, what they say so far is the past.
  const isBehind = () => Boolean(header) && (isOver(header.status) || model.sequence < header.events);
  const status = () => (isBehind() ? header.status : model.standing || header?.status || '');

  // MARK: Head

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
    const isOld = Boolean(newest && header?.generation && newest !== header.generation);
    if (`${now} ${isOld}` === shownStatus) return;
    shownStatus = `${now} ${isOld}`;
    put(mark, badge(now));
    put(actions,
      isOld && !isOver(now) && button('Upgrade', { 'data-needs': 'admin', onclick: () => upgrade(id) }),
      (now === 'failed' || now === 'cancelled') && button('Retry', { class: 'primary', 'data-needs': 'run', onclick: () => retry(id, context.go) }),
      now && !isOver(now) && button('Cancel', { class: 'danger-quiet', 'data-needs': 'run', onclick: () => cancel(id) }));
  };
  const drawStrip = () => {
    const began = model.startedAt ?? (header && millis(header.createdAt));
    if (began !== undefined && began !== null) {
      setText(cell('Began').previousSibling, status() === 'queued' ? 'Asked for' : 'Began');
      setText(cell('Began'), moment(began));
      setAttribute(cell('Began'), 'title', exact(began));
      const ended = model.finishedAt ?? (header && isOver(header.status) ? millis(header.updatedAt) : serverNow());
      setText(cell('Took').previousSibling, isOver(status()) || status() === 'queued' ? 'Took' : 'So far');
      setText(cell('Took'), status() === 'queued' ? 'not begun' : duration(ended - began));
    }
    const { counts } = model;
    const parts = [count(model.steps.length)];
    if (counts.failed) parts.push(`${count(counts.failed)} failed`);
    if (counts.undone) parts.push(`${count(counts.undone)} undone`);
    setText(cell('Steps'), parts.join(', '));
    if (model.usage.calls > 0) {
      const { calls, input, output, cost } = model.usage;
      setText(cell('Models'), plural(calls, 'call'));
      setText(cell('Tokens'), `${count(input)} in, ${count(output)} out`);
      if (cost > 0) setText(cell('Cost'), money(cost));
    }
  };

  // MARK: The inspector

  const inspector = h('aside', { class: 'inspector', 'aria-label': 'Details', tabindex: '-1' });
  let drawn = '';
  const drawInspector = (force = false) => {
    const key = chosen
      ? `${stepKey(chosen)} ${chosen.status} ${chosen.attempts} ${chosen.to === undefined ? chosen.said?.length ?? '' : ''}`
      : `run ${status()} ${model.hasOutput} ${model.error !== undefined} ${model.metadata !== undefined} ${model.startedAt} ${header?.generation} ${model.waiting.length} ${model.expecting.length} ${waits !== null} ${JSON.stringify(header?.queue ?? null)} ${JSON.stringify(header?.tags ?? null)} ${model.steps.length > 0} ${offspring.shown}`;
    if (!force && key === drawn) return;
    drawn = key;
    put(inspector, chosen ? stepDetails(chosen) : runDetails());
  };
  const runDetails = () => [
    h('h2', null, 'Run'),
    status() === 'queued' && h('div', { class: 'notice is-queued' }, icon('queued'), h('div', null, h('strong', null, 'Not begun yet'), `: ${queueReason(header?.queue) || 'it waits in the queue'}`)),
    manyOf(model.waiting, waitsFor),
    manyOf(model.expecting, (step) => eventOf(step) && expects(step)),
    model.error !== undefined && model.status === 'failed' && errorBox(model.error, model.culprit),
    model.error !== undefined && model.status === 'cancelled' && h('div', { class: 'notice' }, icon('cancelled'), h('div', null, `Cancelled: ${model.error?.reason ?? model.error?.message ?? ''}`, facts(undone(model.error)))),
    model.hasOutput && messagesOf(model.output) && h('section', { class: 'value' }, h('div', { class: 'value-head' }, h('h3', null, 'Conversation')), transcript(messagesOf(model.output))),
    model.hasOutput && valueBox('Output', model.output, { open: messagesOf(model.output) ? 1 : 2 }),
    model.input !== undefined && valueBox('Input', model.input),
    model.metadata !== undefined && Object.keys(model.metadata ?? {}).length > 0 && valueBox('Metadata', model.metadata, { open: 1 }),
    h('h3', null, 'About'),
    facts([
      ['Run', h('code', { class: 'break' }, id)], ['Workflow', header && h('a', { href: `#/workflows/${api.segment(header.workflowId)}` }, header.workflowId)],
      ['Came from', header?.lineage && h('a', { href: `#/runs/${api.segment(header.lineage)}`, class: 'break', title: header.lineage }, shortID(header.lineage))],
      ['Led to', offspring.runs.length > 0 && h('ul', { class: 'lineage' }, offspring.runs.map((run) => h('li', null, badge(run.status, { mark: true }),
        h('a', { href: `#/runs/${api.segment(run.runId)}`, class: 'break', title: run.runId }, shortID(run.runId)), run.workflowId !== header.workflowId && h('span', { class: 'muted' }, run.workflowId))),
      offspring.next && h('li', null, h('a', { href: `#/runs${api.query({ lineage: id })}` }, 'All of them')))],
      ['Code', header?.generation && h('code', { title: header.generation }, header.generation.slice(0, 12))],
      ['Tags', header?.tags && Object.keys(header.tags).length > 0 && h('span', { class: 'tags' }, Object.entries(header.tags).map(([key, value]) => tagChip(key, value)))],
      ['Driven by', header?.owner], ['Wakes', header?.wakeAt && time(header.wakeAt)],
    ]),
    model.steps.length > 0 && h('p', { class: 'muted small' }, 'Choose a step to see what it got and gave.'),
  ];
  const waitsFor = (step) => h('div', { class: 'notice is-person' }, icon('waiting_human'), h('div', null, h('strong', null, step.asked?.form?.title ? String(step.asked.form.title) : step.id), ' waits for a person'),
    h('a', { class: 'button primary small', href: `#/inbox/${api.segment(id)}/${api.segment(step.path)}` }, api.principal.role === 'read' ? 'Show' : 'Answer'));
  // A body of many items may wait in each of them: the first ones say enough.
  const manyOf = (steps, show) => [steps.slice(0, 5).map(show), steps.length > 5 && h('p', { class: 'muted small' }, `and ${count(steps.length - 5)} more`)];
  const eventOf = (step) => step.status === 'waiting' && (step.waitsFor ??= waits?.find((wait) => wait.kind === 'event' && wait.stepId === step.id));
  const expects = (step) => {
    const { event, schema } = eventOf(step);
    return h('div', { class: 'notice is-waiting' }, icon('waiting'), h('div', null, h('strong', null, step.id), ' waits for the event ', h('code', { class: 'break' }, event)),
      button('Send', { class: 'primary small', 'data-needs': 'run', 'aria-label': `Send ${event}`, onclick: () => sendEvent(id, event, schema) }));
  };
  // A long run comes without what its steps got and gave, which is asked for step by step.
  let isBrief = false;
  const longRun = 2000;
  const fetchValues = async (step) => {
    if (!isBrief || step.hasValues || step.isAsked) return;
    step.isAsked = true;
    try {
      const { events } = await api.json(`/api/runs/${api.segment(id)}/events${api.query({ path: step.path })}`, { signal: context.signal });
      model.fill(step, events);
      if (chosen === step) drawInspector(true);
    } catch (error) {
      if (!context.signal.aborted) toast(error.message, { kind: 'error' });
    }
    step.isAsked = false;
  };
  const stepDetails = (step) => {
    fetchValues(step);
    const over = step.to !== undefined;
    const event = eventOf(step);
    const talk = conversation(step);
    return [
      h('div', { class: 'detail-head' }, h('div', null, h('h2', null, step.id), h('div', { class: 'path' }, h('code', { class: 'break' }, step.path), iconButton('Copy the path', 'copy', { onclick: () => copy(step.path) }))),
        iconButton('Close the step', 'close', { onclick: () => choose(null) })),
      facts([
        ['Status', badge(step.status)], ['Began', time(step.from)], ['Took', over ? duration(step.to - step.from) : 'not over'],
        ['Attempts', step.attempts > 1 ? count(step.attempts) : null], ['Model', step.usage?.model],
        ['Tokens', step.usage && `${count(step.usage.input)} in, ${count(step.usage.output)} out`], ['Cost', step.usage?.cost > 0 && money(step.usage.cost)], ['Start', step.occurrence > 1 ? `${count(step.occurrence)} of this step` : null],
        ['Chose', step.branch !== undefined && String(step.branch)], ['Answered by', step.answeredBy],
      ]),
      step.status === 'waiting_human' && waitsFor(step),
      !over && step.said && h('section', { class: 'value' }, h('div', { class: 'value-head' }, h('h3', null, 'The answer so far')), bubble('assistant', step.said)),
      event && expects(step),
      step.error !== undefined && errorBox(step.error, step),
      step.compensation && h('div', { class: 'notice' }, icon(step.compensation.status === 'failed' ? 'failed' : 'cancelled'), h('div', null, undoing(step.compensation))),
      step.tries.length > 0 && h('section', { class: 'value' }, h('div', { class: 'value-head' }, h('h3', null, 'Failed attempts')),
        h('ol', { class: 'tries' }, step.tries.map((attempt) => h('li', null, h('span', { class: 'tries-what' }, attempt.error?.message ?? 'failed'), ' ', time(attempt.at))))),
      talk && h('section', { class: 'value' }, h('div', { class: 'value-head' }, h('h3', null, 'Conversation')), talk),
      step.hasOutput && valueBox('Output', step.output, { open: talk ? 0 : 2 }),
      step.response !== undefined && valueBox('Answer', step.response),
      step.asked?.output !== undefined && valueBox('Shown', step.asked.output),
      step.isAsked && !step.hasValues ? h('p', { class: 'muted small' }, 'Loading what it got and gave…') : valueBox('Input', step.input, { open: talk ? 0 : 2 }),
      h('div', { class: 'actions' }, button('Fork from here', { 'data-needs': 'run', onclick: () => fork(id, step, context.go) })),
    ];
  };

  const undoing = ({ status, error }) => ({
    running: 'Is being undone', waiting: `Is being undone; an attempt failed: ${error?.message ?? ''}`, success: 'Undone',
    failed: `Not undone: ${error?.message ?? ''}`,
  })[status];

  // What a run that did not succeed undid, as facts.
  const undone = (error) => {
    const { undone: paths = [], failed = [] } = error?.compensation ?? {};
    return [
      ['Undone', paths.length > 0 && paths.join(', ')],
      ['Not undone', failed.length > 0 && failed.map(({ path, error: why }) => `${path}: ${why?.message ?? 'failed'}`).join('; ')],
    ];
  };

  // Step and place stand below the words, which need not say them again.
  const bare = (error) => {
    let text = typeof error?.message === 'string' ? error.message : error?.message ?? error;
    if (typeof text !== 'string') return text;
    for (const head of [chosen?.path ?? model.culprit?.path, error.where]) {
      if (head && text.startsWith(`${head}: `) && text.length > head.length + 2) text = text.slice(head.length + 2);
    }
    return text;
  };
  // An error with the line of the script that raised it, from the code that the run goes by.
  let source;
  const errorBox = (error, step) => {
    const code = h('div');
    const match = /^(.*):(\d+)$/.exec(error?.where ?? '');
    if (match) {
      source ??= api.json(`/api/runs/${api.segment(id)}/source`, { signal: context.signal });
      source.then(({ files }) => {
        const file = files.find((one) => one.name === match[1]) ?? files.find((one) => one.name.endsWith(`/${match[1]}`) || match[1].endsWith(`/${one.name}`));
        if (file) put(code, h('div', { class: 'where' }, `${file.name}:${match[2]}`), sourceLines(file, Number(match[2])));
      }, () => {});
    }
    return h('section', { class: 'error-box', 'aria-label': 'Error' },
      h('div', { class: 'error-head' }, icon('failed'), h('strong', null, line(bare(error), 4000)), iconButton('Copy the error', 'copy', { onclick: () => copy(error) })),
      facts([['Code', error?.code && error.code !== 'error' && error.code !== 'failed' && h('code', null, String(error.code))], ['Step', step && step !== chosen && h('a', { href: `#/runs/${api.segment(id)}?step=${api.segment(stepKey(step))}`, onclick: (event) => { event.preventDefault(); choose(step); } }, step.path)], ...(step && step === chosen ? [] : undone(error))]),
      code,
      error?.traceback && h('details', null, h('summary', null, 'Traceback'), h('pre', null, String(error.traceback))),
      error?.details !== undefined && valueBox('Error details', error.details));
  };

  // MARK: Views

  const lines = timeline(model, { now: () => (header && isOver(header.status) ? millis(header.updatedAt) : serverNow()), chosen: (step) => choose(step, { from: 'timeline' }) });
  const picturePanel = h('div', { class: 'graph-panel' }, h('p', { class: 'muted pad' }, 'Drawing…'));
  let isDrawing = false;
  const drawGraph = async () => {
    if (picture || isDrawing || !header) return;
    isDrawing = true;
    try {
      const { graph } = await import('./graph.js');
      picture = await graph(header.workflowId, { run: id, signal: context.signal, chosen: chooseNode });
      put(picturePanel, picture.element);
      picture.paint(model);
      if (chosen) picture.select(picture.placeOf(chosen));
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

  const eventText = h('input', { type: 'search', placeholder: 'Filter by type or path', 'aria-label': 'Filter events', spellcheck: 'false', oninput: () => { eventsSeen = -1; drawEvents(); } });
  let shownEvents = [];
  let eventsSeen = -1;
  const eventBox = h('div', { class: 'event-value' });
  const showEvent = async (event) => {
    if (!event) return;
    const draw = (whole) => put(eventBox, h('div', { class: 'detail-head' }, h('h2', null, event.type), iconButton('Close the event', 'close', { onclick: () => put(eventBox) })), valueBox('Event', whole, { open: 2 }));
    draw(event);
    if (!isBrief || !event.sequence || (event.type !== 'step:start' && event.type !== 'step:success')) return;
    try {
      const { events } = await api.json(`/api/runs/${api.segment(id)}/events${api.query({ after: event.sequence - 1, limit: 1 })}`, { signal: context.signal });
      if (events[0]?.sequence === event.sequence) draw(events[0]);
    } catch (error) {
      if (!context.signal.aborted) toast(error.message, { kind: 'error' });
    }
  };
  const eventRow = (label, items, kind = '') => new VirtualList({
    label, role: 'group', rowRole: null, rowHeight: () => 30,
    create: () => {
      const part = { at: h('span', { class: 'num muted event-at' }), type: h('span', { class: 'event-type' }), path: h('span', { class: 'event-path' }), data: h('span', { class: 'event-data muted' }) };
      const row = h('button', { type: 'button', class: `event-row ${kind}` }, part.at, part.type, part.path, part.data);
      row._part = part;
      part.at.addEventListener('pointerenter', () => { part.at.title = exact(items()[row._index]?.timestamp); });
      row.addEventListener('click', () => {
        showEvent(items()[row._index]);
      });
      return row;
    },
    update: (row, index) => {
      const event = items()[index];
      row._index = index;
      if (!event) return;
      const isLog = event.type === 'log';
      row.classList.toggle('is-note', isLog && kind === '');
      setText(row._part.at, event.timestamp ? moment(event.timestamp) : '');
      setText(row._part.type, isLog ? event.data?.level ?? 'log' : event.type);
      row._part.type.className = `event-type is-${isLog ? `log-${event.data?.level}` : event.type.split(':').pop()}`;
      setText(row._part.path, event.path ?? '');
      setText(row._part.data, isLog ? `${event.data?.message ?? ''} ${event.data?.fields ? line(event.data.fields) : ''}` : line(event.data, 100));
    },
  });
  const eventList = eventRow('Events', () => shownEvents);
  const logList = eventRow('Logs', () => model.logs, 'is-log');
  // Of a run without end the page keeps the newest events.
  const olderEvents = h('p', { class: 'older muted small', hidden: true });
  const olderLogs = h('p', { class: 'older muted small', hidden: true });
  const tellOlder = (note, kept, dropped) => {
    note.hidden = dropped === 0;
    if (dropped === 0 || note._dropped === dropped) return;
    note._dropped = dropped;
    put(note, `The newest ${count(kept)} of ${count(kept + dropped)} are kept here. `, h('a', { href: `api/runs/${api.segment(id)}/events?limit=10000&redact=true`, target: '_blank', rel: 'noopener' }, 'The oldest ones as JSON'));
  };
  const isAtEnd = (list) => list.element.scrollTop + list.element.clientHeight >= list.element.scrollHeight - 40;
  const grow = (list, length) => {
    const follows = isAtEnd(list);
    list.setCount(length);
    list.refresh();
    if (follows) list.element.scrollTop = list.element.scrollHeight;
  };
  const drawEvents = () => {
    if (view.current !== 'events' || eventsSeen === model.version) return;
    eventsSeen = model.version;
    const text = eventText.value.trim().toLowerCase();
    shownEvents = text ? model.events.filter((event) => event.type.toLowerCase().includes(text) || event.path?.toLowerCase().includes(text)) : model.events;
    grow(eventList, shownEvents.length);
  };
  const logPanel = h('div', { class: 'events' });
  const drawLogs = () => {
    if (view.current !== 'logs') return;
    if (model.logs.length === 0) {
      if (!logPanel.firstChild) {
        put(logPanel, emptyWith({ sign: 'runs' }, 'No log lines yet', 'What steps log is kept with the run and shown here. In a script:',
          h('div', { class: 'command' }, h('code', null, 'context:log("info", "what happened", { order = 7 })'))));
      }
      return;
    }
    if (!logList.element.isConnected) put(logPanel, olderLogs, logList.element);
    grow(logList, model.logs.length);
  };

  const view = tabs({
    label: 'Views', selected: context.query.view,
    changed: (name) => {
      context.note({ view: name === 'timeline' ? '' : name });
      queueMicrotask(() => { element.dataset.view = name; draw(); });
    },
    items: [
      { id: 'timeline', label: 'Timeline', panel: () => lines.element, shown: () => lines.refresh(true) },
      { id: 'graph', label: 'Graph', panel: () => picturePanel, shown: () => drawGraph() },
      { id: 'events', label: 'Events', count: true, panel: () => h('div', { class: 'events' }, h('div', { class: 'graph-tools' }, h('label', { class: 'search' }, icon('search'), eventText)), olderEvents, eventList.element, eventBox), shown: () => { eventsSeen = -1; queueMicrotask(drawEvents); } },
      { id: 'logs', label: 'Logs', count: true, panel: () => logPanel, shown: () => queueMicrotask(drawLogs) },
    ],
  });

  function choose(step, { from } = {}) {
    chosen = step;
    wanted = null;
    context.note({ step: step ? stepKey(step) : '' });
    element.classList.toggle('has-step', Boolean(step));
    drawInspector(true);
    if (from !== 'timeline') lines.select(step);
    if (picture && from !== 'graph') picture.select(step ? picture.placeOf(step) : '');
    else picture?.select(step ? picture.placeOf(step) : '');
  }

  // MARK: Drawing

  function draw() {
    if (frame) return;
    // A long run is drawn less often, so that it stays easy to use while it goes on.
    const rest = Math.max(0, last + Math.min(500, model.steps.length / 20) - performance.now());
    frame = setTimeout(() => requestAnimationFrame(() => {
      frame = 0;
      last = performance.now();
      if (context.signal.aborted) return;
      if (wanted && model.byKey.has(wanted)) choose(model.byKey.get(wanted));
      drawActions();
      drawStrip();
      view.count('events', model.events.length + model.dropped);
      view.count('logs', model.logs.length + model.droppedLogs);
      tellOlder(olderEvents, model.events.length, model.dropped);
      tellOlder(olderLogs, model.logs.length, model.droppedLogs);
      if (view.current === 'timeline') lines.refresh();
      else if (view.current === 'graph') picture?.paint(model);
      drawEvents();
      drawLogs();
      if (isLoaded) drawInspector();
    }), rest);
  }
  let ticks = 0;
  const clock = setInterval(() => {
    if (isOver(status())) return;
    // What stands before a run in the queue changes without an event of the run.
    if ((ticks += 1) % 5 === 0 && status() === 'queued' && !document.hidden) refreshHeader().catch(() => {});
    draw();
  }, 1000);

  // MARK: Data

  let waits = null;
  // The runs that came of this one: forks, retries, what it started, its next part. They may come at any time.
  const mostOffspring = 20;
  const readOffspring = async () => {
    const { runs, next } = await api.json(`/api/runs${api.query({ lineage: id, limit: mostOffspring })}`, { signal: context.signal });
    offspring = { runs, next, shown: runs.map(({ runId, status: its }) => `${runId} ${its}`).join() };
    draw();
  };
  const refreshHeader = async () => {
    header = await api.json(`/api/runs/${api.segment(id)}?summary=true`, { signal: context.signal });
    put(cell('Workflow'), h('a', { href: `#/workflows/${api.segment(header.workflowId)}` }, header.workflowId));
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
      const page = await api.json(`/api/runs/${api.segment(id)}/events${api.query({ brief: isBrief || undefined, limit: 10_000, after: next || undefined })}`, { signal: context.signal });
      await takeAll(page.events);
      next = page.next;
    }
  };
  (async () => {
    try {
      await refreshHeader();
      if (view.current === 'graph') drawGraph();
    } catch (error) {
      if (context.signal.aborted) return;
      put(element, h('div', { class: 'page-head' }, h('h1', null, 'Run')), error.status === 404 ? emptyWith({ sign: 'runs' }, 'There is no such run', 'It may have been removed.', h('a', { href: '#/runs' }, 'Show all runs')) : failure(error, context.again));
      return;
    }
    api.json(`/api/workflows/${api.segment(header.workflowId)}`, { signal: context.signal }).then((workflow) => { waits = workflow.waits; newest = workflow.generation; drawInspector(true); draw(); }, () => {});
    isBrief = header.events > longRun;
    try {
      await readPages();
      isLoaded = true;
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
    if (isOver(header.status) && model.finishedAt !== undefined) return tell('over');
    let again = 0;
    api.follow(`/api/runs/${api.segment(id)}/events${isBrief ? '?brief=true' : ''}`, {
      signal: context.signal, after: model.sequence,
      state: (name, error) => {
        tell(name, error);
        if (name === 'over') { isLoaded = true; refreshHeader().catch(() => {}); }
      },
      frames: async (batch) => {
        await takeAll(batch.filter(({ event }) => event !== 'run' && event !== 'result' && event !== 'error').map(({ data }) => data));
        isLoaded = true;
        draw();
        // Whether a run stands still is known to the store a moment after its event.
        if (!again) again = setTimeout(() => { again = 0; if (!context.signal.aborted && !isOver(status())) refreshHeader().catch(() => {}); }, 700);
      },
    });
  })();

  const element = h('div', { class: 'page page-fill run-page' },
    h('header', { class: 'page-head' }, h('a', { class: 'icon-button back', href: '#/runs', 'aria-label': 'All runs' }, icon('back')),
      h('h1', { class: 'run-title', title: id }, shortID(id)), iconButton('Copy the run id', 'copy', { onclick: () => copy(id, 'Run id copied') }), mark, h('span', { class: 'grow' }), live, actions),
    strip, h('div', { class: 'run-split' }, h('section', { class: 'run-main', 'aria-label': 'Steps' }, view.bar, view.body), inspector));

  return {
    element, title: shortID(id),
    key(event) {
      if (event.key === 'Escape' && chosen) { choose(null); return true; }
      const by = { j: 1, k: -1 }[event.key];
      if (by && picture && view.current === 'graph') { picture.move(by); return true; }
      return view.current === 'timeline' && !event.target.closest?.('[role=tab]') ? lines.key(event) : false;
    },
    destroy() {
      clearInterval(clock);
      clearTimeout(frame);
      lines.destroy();
      eventList.destroy();
      logList.destroy();
      picture?.destroy();
    },
  };
}
