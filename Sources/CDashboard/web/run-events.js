// The events and the log of a run, as lists of which only what is seen exists.

import * as api from './api.js';
import { h, icon, put, setText } from './dom.js';
import { count, exact, moment } from './format.js';
import { VirtualList } from './virtual.js';
import { emptyWith, iconButton, line, toast, valueBox } from './widgets.js';

/** Two panels over the events that `run.model` keeps; `isShown(name)` says whether `events` or `logs` can be seen. */
export function eventViews(run, context, isShown) {
  const { id, model } = run;
  const eventText = h('input', { type: 'search', placeholder: 'Filter by type or path', 'aria-label': 'Filter events', spellcheck: 'false', oninput: () => { eventsSeen = -1; drawEvents(); } });
  let shownEvents = [];
  let eventsSeen = -1;
  const eventBox = h('div', { class: 'event-value' });
  const logBox = h('div', { class: 'event-value' });
  const showEvent = async (event, box, row) => {
    if (!event) return;
    const close = () => {
      put(box);
      row.focus({ preventScroll: true });
    };
    const draw = (whole) => put(box, h('div', { class: 'detail-head' }, h('h2', null, event.type), iconButton('Close the event', 'close', { onclick: close })), valueBox('Event', whole, { open: event.type === 'log' ? 3 : 2 }));
    draw(event);
    if (!run.isBrief || !event.sequence || (event.type !== 'step:start' && event.type !== 'step:success')) return;
    try {
      const { events } = await api.json(`/api/runs/${api.segment(id)}/events${api.query({ after: event.sequence - 1, limit: 1 })}`, { signal: context.signal });
      if (events[0]?.sequence === event.sequence) draw(events[0]);
    } catch (error) {
      if (!context.signal.aborted) toast(error.message, { kind: 'error' });
    }
  };
  const eventRow = (label, items, box, kind = '') => new VirtualList({
    label, role: 'group', rowRole: null, rowHeight: () => 30,
    create: () => {
      const part = { at: h('span', { class: 'num muted event-at' }), type: h('span', { class: 'event-type' }), path: h('span', { class: 'event-path' }), data: h('span', { class: 'event-data muted' }) };
      const row = h('button', { type: 'button', class: `event-row ${kind}` }, part.at, part.type, part.path, part.data);
      row._part = part;
      part.at.addEventListener('pointerenter', () => { part.at.title = exact(items()[row._index]?.timestamp); });
      row.addEventListener('click', () => {
        showEvent(items()[row._index], box, row);
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
  const eventList = eventRow('Events', () => shownEvents, eventBox);
  const logList = eventRow('Logs', () => model.logs, logBox, 'is-log');
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
    if (!isShown('events') || eventsSeen === model.version) return;
    eventsSeen = model.version;
    const text = eventText.value.trim().toLowerCase();
    shownEvents = text ? model.events.filter((event) => event.type.toLowerCase().includes(text) || event.path?.toLowerCase().includes(text)) : model.events;
    grow(eventList, shownEvents.length);
  };
  const logPanel = h('div', { class: 'events' });
  const drawLogs = () => {
    if (!isShown('logs')) return;
    if (model.logs.length === 0) {
      if (!logPanel.firstChild) {
        put(logPanel, emptyWith({ sign: 'runs' }, 'No log lines yet', 'What steps log is kept with the run and shown here. In a script:',
          h('div', { class: 'command' }, h('code', null, 'context:log("info", "what happened", { order = 7 })'))));
      }
      return;
    }
    if (!logList.element.isConnected) put(logPanel, olderLogs, logList.element, logBox);
    grow(logList, model.logs.length);
  };

  return {
    logPanel,
    eventPanel: () => h('div', { class: 'events' }, h('div', { class: 'graph-tools' }, h('label', { class: 'search' }, icon('search'), eventText)), olderEvents, eventList.element, eventBox),
    /** Fills what can be seen; `isFresh` also where no event came. */
    draw(isFresh = false) {
      if (isFresh) eventsSeen = -1;
      tellOlder(olderEvents, model.events.length, model.dropped);
      tellOlder(olderLogs, model.logs.length, model.droppedLogs);
      drawEvents();
      drawLogs();
    },
    destroy() {
      eventList.destroy();
      logList.destroy();
    },
  };
}
