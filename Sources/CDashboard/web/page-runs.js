// The list of runs: newest first, live, filtered by the address.

import * as api from './api.js';
import { h, icon, plain, put, setAttribute, setText } from './dom.js';
import { ago, clockIsKnown, count, duration, exact, isOver, millis, moment, now, plural, shortID, statuses } from './format.js';
import { VirtualList } from './virtual.js';
import { button, command, emptyWith, entriesMeaning, failure, queueReason, statusName, tagChip, toast } from './widgets.js';

/** Few at first, so that the page is there at once. */
const firstPage = 60;
const pageSize = 400;
/** The rows that stay while the list grows at its top. */
const keptRows = 1000;
const types = 'workflow:start,workflow:success,workflow:error,workflow:cancelled,workflow:resumed,step:human:requested,'
  + 'step:human:completed,step:waiting,step:compensate:start,step:compensate:success,step:compensate:error';
const statusOf = {
  'workflow:start': 'running', 'workflow:resumed': 'running', 'step:human:completed': 'running',
  'workflow:success': 'success', 'workflow:error': 'failed', 'workflow:cancelled': 'cancelled',
  'step:human:requested': 'waiting_human', 'step:waiting': 'waiting',
};

export default function runsPage(context) {
  const filters = context.query;
  const rows = [];
  const places = new Map();
  let next = null;
  let isLoading = false;
  let notBefore = 0;
  let hasLoaded = false;
  let selected = -1;
  let fresh = [];
  /** Where the list goes on below `fresh`, if so many runs began that it does not reach the rows; undefined otherwise. */
  let gap;
  let refetch = 0;
  let typing = 0;
  /** Counts how often the list began anew: an answer to what was asked before is not of it. */
  let turn = 0;
  /** Whether the rows are those of the list before. */
  let isStale = false;
  /** How many runs the filters let through; undefined until it is known. */
  let all;

  // Filters

  const set = (name, value) => {
    // What is typed and not yet asked for counts too.
    const changed = { ...filters, q: search.value.trim(), tag: tag.value.trim(), [name]: value };
    for (const key of Object.keys(changed)) if (!changed[key]) delete changed[key];
    context.go(`#/runs${api.query(changed)}`);
  };
  const workflow = h('select', { id: 'filter-workflow', 'aria-label': 'Workflow', onchange: () => set('workflow', workflow.value) },
    h('option', { value: '' }, 'All workflows'));
  if (filters.workflow) workflow.append(h('option', { value: filters.workflow, selected: true }, filters.workflow));
  workflow.value = filters.workflow ?? '';
  const search = h('input', {
    id: 'filter-q', type: 'search', placeholder: 'Run id begins with…', 'aria-label': 'Run id begins with', value: filters.q ?? '',
    autocomplete: 'off', spellcheck: 'false', 'data-search': true,
    oninput: () => {
      filters.q = search.value.trim();
      context.note({ q: filters.q });
      clearTimeout(typing);
      typing = setTimeout(begin, 250);
    },
  });
  const tag = h('input', {
    id: 'filter-tag', type: 'search', placeholder: 'Tag a:b', 'aria-label': 'Tag', value: filters.tag ?? '', autocomplete: 'off',
    spellcheck: 'false', onchange: () => set('tag', tag.value.trim()),
  });
  const since = h('select', { id: 'filter-since', 'aria-label': 'Began', onchange: () => set('since', since.value) },
    [['', 'Any time'], ['15m', 'Last 15 minutes'], ['1h', 'Last hour'], ['24h', 'Last day'], ['7d', 'Last week']]
      .map(([value, label]) => h('option', { value, selected: value === (filters.since ?? '') }, label)));
  const chosen = new Set((filters.status ?? '').split(',').filter(Boolean));
  const chips = h('div', { class: 'chips', role: 'group', 'aria-label': 'Status' },
    Object.entries(statuses).map(([status, name]) => h('button', {
      type: 'button', id: `status-${status}`, class: `chip is-${status}`, 'aria-pressed': String(chosen.has(status)), 'data-status': status,
      onclick: () => {
        if (chosen.has(status)) chosen.delete(status); else chosen.add(status);
        set('status', [...chosen].join(','));
      },
    }, icon(status, 14), h('span', null, name), h('span', { class: 'chip-count num' }))));
  /** Where the chips are one row that scrolls, a chosen one is in sight. */
  const revealChosen = () => chips.querySelector('[aria-pressed=true]')?.scrollIntoView({ block: 'nearest', inline: 'nearest' });
  requestAnimationFrame(revealChosen);

  const ancestor = filters.lineage && h('button', { type: 'button', class: 'chip chip-ancestor', 'aria-pressed': 'true', title: filters.lineage, onclick: () => set('lineage', '') },
    h('span', null, `Came from ${shortID(filters.lineage)}`), icon('close', 12), h('span', { class: 'hidden' }, 'Show others too'));

  // The list

  const list = new VirtualList({
    label: 'Runs', role: 'table', rowRole: 'row',
    rowHeight: () => (matchMedia('(max-width: 720px)').matches ? 64 : 44),
    create: () => {
      const part = {
        mark: h('span', { class: 'badge', role: 'cell' }), markIcon: null, name: h('span'),
        link: h('a', { class: 'run-link' }), workflow: h('span', { class: 'run-workflow', role: 'cell' }),
        tags: undefined, began: h('span', { class: 'run-began num', role: 'cell' }), took: h('span', { class: 'run-took num', role: 'cell' }),
        entries: h('span', { class: 'run-entries num', role: 'cell' }),
      };
      part.workflow.append(part.name);
      const row = h('div', { class: 'run-row' }, part.mark, h('span', { class: 'run-cell', role: 'cell' }, part.link), part.workflow, part.began, part.took, part.entries);
      row._part = part;
      // Under the pointer only: to write out a time takes longer than all else in a row.
      part.began.addEventListener('pointerenter', () => {
        const run = rows[row._index];
        if (run) part.began.title = plain(`${exact(run.createdAt)} (${ago(run.createdAt)})`);
      });
      row.addEventListener('click', (event) => {
        if (event.target.closest('a') || getSelection().toString()) return;
        if (rows[row._index]) context.go(address(rows[row._index]));
      });
      return row;
    },
    update: (row, index) => {
      const run = rows[index];
      const part = row._part;
      row._index = index;
      row.classList.toggle('is-selected', index === selected);
      if (part.status !== run.status || part.undoing !== run.undoing) {
        [part.status, part.undoing] = [run.status, run.undoing];
        part.mark.className = `badge is-${run.status}`;
        put(part.mark, icon(run.status, 14), h('span', null, run.undoing ? `Undoing ${run.undoing}` : statusName(run.status)));
      }
      setText(part.link, shortID(run.runId));
      setAttribute(part.link, 'href', address(run));
      setAttribute(part.link, 'title', run.runId);
      setText(part.name, run.workflowId);
      if (part.tags !== run.tags) {
        part.tags = run.tags;
        const tags = Object.entries(run.tags ?? {});
        part.workflow.replaceChildren(part.name, ...tags.slice(0, 3).map(([key, value]) => tagChip(key, value)), tags.length > 3 ? h('span', { class: 'tag-more muted small' }, `+${tags.length - 3}`) : '');
      }
      if (part.at !== run.createdAt) {
        part.at = run.createdAt;
        setText(part.began, moment(run.createdAt));
      }
      const end = isOver(run.status) ? millis(run.updatedAt) : now();
      setText(part.took, run.status === 'queued' ? '–' : duration(Math.max(0, end - millis(run.createdAt))));
      setAttribute(part.mark, 'title', run.status === 'queued' ? queueReason(run.queue) : run.undoing ? `${statusName(run.status)}: what it did is undone, now ${run.undoing}` : '');
      setText(part.entries, count(run.events));
    },
    nearEnd: () => next && load(),
  });
  const address = (run) => `#/runs/${api.segment(run.runId)}`;

  const body = h('div', { class: 'runs-body' });
  const total = h('span', { class: 'muted num', 'aria-live': 'polite' });
  const state = h('span', { class: 'live', title: 'The list follows the server' }, h('span', { class: 'live-dot' }), h('span', { class: 'live-text' }, 'Connecting'));
  const freshButton = h('button', { type: 'button', class: 'fresh', hidden: true, onclick: () => showFresh() });
  const head = h('div', { class: 'run-row run-head', 'aria-hidden': 'true' },
    h('span', null, 'Status'), h('span', null, 'Run'), h('span', null, 'Workflow'), h('span', null, 'Began'),
    h('span', null, 'Took'), h('span', { title: entriesMeaning }, 'Entries'));

  const query = (cursor, limit, status = filters.status) => api.query({
    workflow: filters.workflow, status, q: filters.q, tag: filters.tag, lineage: filters.lineage, from: from(), limit, cursor,
  });
  const from = () => {
    const span = { '15m': 9e5, '1h': 36e5, '24h': 864e5, '7d': 6048e5 }[filters.since];
    return filters.from ?? (span ? new Date(now() - span).toISOString() : undefined);
  };

  const index = (start) => {
    for (let at = start; at < rows.length; at += 1) places.set(rows[at].runId, at);
  };
  const shown = () => {
    const known = next ? all ?? rows.length : rows.length;
    setText(total, hasLoaded ? `${count(known)}${next && all === undefined ? '+' : ''} ${known === 1 && !next ? 'run' : 'runs'}` : '');
    list.setCount(rows.length);
    if (rows.length > 0) {
      if (!list.element.isConnected) put(body, head, list.element);
    } else if (hasLoaded) put(body, nothing());
  };
  const nothing = () => (Object.values(filters).some(Boolean)
    ? emptyWith({ sign: 'search' }, 'No run fits these filters', 'Filters stand in the address, so this list can be sent to somebody.', button('Show all runs', { onclick: () => context.go('#/runs') }))
    : emptyWith({ sign: 'runs' }, 'No runs yet', 'A run appears here as soon as it begins. Start one from a workflow, or by a command:',
      h('a', { class: 'button primary', href: '#/workflows' }, icon('play', 12), h('span', null, 'Choose a workflow')),
      command(`curl --json '{"inputData":{}}'${api.principal.isSession ? ' -H "Authorization: Bearer $TOKEN"' : ''} ${location.origin}${location.pathname}api/workflows/ID/runs`)));

  // Who comes back to a list finds it where they left it.
  let back = history.state?.list;
  let noting = 0;
  list.element.addEventListener('scroll', () => {
    noting ||= setTimeout(() => {
      noting = 0;
      if (!context.signal.aborted) history.replaceState({ list: { top: list.element.scrollTop, rows: rows.length } }, '');
    }, 200);
  }, { passive: true });
  const firstRows = Math.min(1000, Math.max(firstPage, Number(back?.rows) || 0));

  async function load() {
    if (isLoading || performance.now() < notBefore) return;
    isLoading = true;
    const mine = turn;
    if (filters.since) await clockIsKnown;
    const cursor = next;
    try {
      const page = await api.json(`/api/runs${query(cursor, cursor ? pageSize : firstRows)}`, { signal: context.signal });
      // The list began anew meanwhile.
      if (next !== cursor || mine !== turn) return;
      if (isStale) {
        isStale = false;
        rows.length = 0;
        places.clear();
        list.element.scrollTop = 0;
      }
      const start = rows.length;
      for (const run of page.runs) if (!places.has(run.runId)) rows.push(run);
      index(start);
      next = page.next;
      hasLoaded = true;
      shown();
      list.refresh();
      if (back) list.element.scrollTop = Number(back.top) || 0;
      back = null;
    } catch (error) {
      if (mine !== turn) return;
      if (!context.signal.aborted && rows.length === 0) put(body, failure(error, () => { put(body); load(); }));
      else if (!context.signal.aborted) {
        toast(error.message, { kind: 'error' });
        notBefore = performance.now() + 5000;
      }
    } finally {
      if (mine === turn) isLoading = false;
    }
  }

  // What begins meanwhile comes from the top of the list; while somebody reads further down it waits behind a button.
  async function lookForNew() {
    refetch = 0;
    const mine = turn;
    if (context.signal.aborted) return;
    try {
      const found = [];
      const known = new Set(fresh.map((run) => run.runId));
      let cursor;
      let isJoined = rows.length === 0;
      for (let times = 0; times < 4 && (times === 0 || !isJoined); times += 1) {
        const page = await api.json(`/api/runs${query(cursor, times === 0 ? 50 : pageSize)}`, { signal: context.signal });
        if (mine !== turn) return;
        for (const run of page.runs) {
          const place = places.get(run.runId);
          if (place !== undefined) Object.assign(rows[place], run);
          else if (!known.has(run.runId)) found.push(run);
          isJoined ||= place !== undefined || known.has(run.runId);
        }
        cursor = page.next;
        isJoined ||= !cursor;
        if (rows.length === 0) next = cursor;
      }
      if (isJoined) fresh = [...found, ...fresh];
      else { fresh = found; gap = cursor; }
      if (fresh.length > keptRows) { gap = fresh[keptRows - 1].runId; fresh.length = keptRows; }
      dropUnfit();
      if (isAtTop()) showFresh();
      else if (fresh.length > 0) {
        freshButton.hidden = false;
        setText(freshButton, `${plural(fresh.length, 'new run')} — show`);
      }
      list.refresh();
    } catch { /* The next event asks again. */ }
  }
  function showFresh() {
    const chosenRun = rows[selected]?.runId;
    if (document.activeElement === freshButton) list.element.focus({ preventScroll: true });
    if (fresh.length > 0) {
      if (gap !== undefined) rows.length = 0;
      rows.unshift(...fresh);
      rows.sort((one, other) => (one.createdAt < other.createdAt ? 1 : one.createdAt > other.createdAt ? -1 : 0));
      if (gap !== undefined) next = gap;
      // Who looks at the top for hours holds no more than who has just come; what is below is read again when it is wanted.
      if (rows.length > keptRows) { rows.length = keptRows; next = rows.at(-1).runId; }
      fresh = [];
      gap = undefined;
      places.clear();
      index(0);
      selected = places.get(chosenRun) ?? -1;
    }
    freshButton.hidden = true;
    hasLoaded = true;
    list.element.scrollTop = 0;
    shown();
    list.refresh();
  }
  // Nor does a list move under somebody who has come to one of its rows.
  const isAtTop = () => list.element.scrollTop < 8 && !(list.element !== document.activeElement && list.element.contains(document.activeElement)) && selected < 1;
  /** Takes out what no longer has a status that is asked for, unless somebody reads further down. */
  function dropUnfit() {
    if (chosen.size === 0 || !isAtTop()) return;
    const kept = rows.filter((run) => chosen.has(run.status));
    if (kept.length === rows.length) return;
    rows.splice(0, rows.length, ...kept);
    places.clear();
    index(0);
    shown();
  }
  const soon = () => { if (!refetch) refetch = setTimeout(lookForNew, 400); };

  const events = `/api/events${api.query({ workflow: filters.workflow, type: types })}`;
  api.follow(events, {
    signal: context.signal,
    state: (name) => {
      state.className = `live is-${name}`;
      setText(state.lastChild, { live: 'Live', broken: 'Reconnecting', refused: 'Not live', over: 'Not live' }[name] ?? name);
    },
    missed: soon,
    frames: async (batch) => {
      for (const { data } of batch) {
        const place = places.get(data.runId);
        if (place === undefined) { soon(); continue; }
        const run = rows[place];
        // Of an ended run nothing more is told; what comes late is old.
        if (isOver(run.status) || data.sequence < run.events) continue;
        run.status = statusOf[data.type] ?? run.status;
        run.queue = undefined;
        run.undoing = data.type === 'step:compensate:start' ? data.path : undefined;
        run.events = data.sequence;
        run.updatedAt = new Date(data.timestamp).toISOString();
      }
      dropUnfit();
      countSoon();
      list.refresh();
    },
  });
  // Durations of what runs grow.
  const clock = setInterval(() => rows.some((run, at) => at < 60 && !isOver(run.status)) && list.refresh(), 1000);

  api.json('/api/workflows', { signal: context.signal }).then(({ workflows }) => {
    for (const { id } of workflows) if (id !== filters.workflow) workflow.append(h('option', { value: id }, id));
  }, () => {});
  // How many runs have each status; again after changes, at most every ten seconds.
  let counting = 0;
  let areCounted = false;
  const countRuns = async () => {
    counting = 0;
    if (document.hidden) return;
    if (filters.since) await clockIsKnown;
    const mine = turn;
    api.json(`/api/runs${query(undefined, 0, '')}`, { signal: context.signal }).then(({ counts, isWhole }) => {
      if (mine !== turn) return;
      for (const chip of chips.children) {
        const value = counts[chip.dataset.status] ?? 0;
        setText(chip.querySelector('.chip-count'), value > 0 ? `${count(value)}${isWhole ? '' : '+'}` : '');
      }
      all = isWhole ? Object.keys(counts).reduce((sum, status) => sum + (chosen.size === 0 || chosen.has(status) ? counts[status] : 0), 0) : undefined;
      shown();
      // The counts have made them wider.
      if (!areCounted) revealChosen();
      areCounted = true;
    }, () => {});
  };
  const countSoon = () => { counting ||= setTimeout(countRuns, 10_000); };
  countRuns();
  load();
  /** Asks for the list of what is typed; the one that is shown stays until it comes. */
  function begin() {
    if (context.signal.aborted) return;
    turn += 1;
    isStale = true;
    [next, fresh, gap, all, selected, isLoading, notBefore, back] = [null, [], undefined, undefined, -1, false, 0, null];
    freshButton.hidden = true;
    load();
    countRuns();
  }

  const element = h('div', { class: 'page page-fill' },
    h('header', { class: 'page-head' }, h('h1', null, 'Runs'), total, h('span', { class: 'grow' }), freshButton, state),
    h('div', { class: 'filters' }, h('div', { class: 'filter-fields' }, h('label', { class: 'search' }, icon('search'), search), workflow, tag, since), chips, ancestor),
    body);

  return {
    element, title: 'Runs',
    key(event) {
      const step = { j: 1, ArrowDown: 1, k: -1, ArrowUp: -1 }[event.key];
      if (step && rows.length > 0) {
        selected = Math.min(rows.length - 1, Math.max(0, selected + step));
        list.isStale = true;
        list.reveal(selected)?._part.link.focus({ preventScroll: true });
        return true;
      }
      if (event.key === 'Enter' && rows[selected] && !event.target.closest('a, button')) {
        context.go(address(rows[selected]));
        return true;
      }
      return false;
    },
    destroy() {
      clearInterval(clock);
      clearTimeout(refetch);
      clearTimeout(typing);
      clearTimeout(counting);
      clearTimeout(noting);
      list.destroy();
    },
  };
}
