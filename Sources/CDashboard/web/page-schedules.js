// Schedules: when runs begin by themselves, what they began last, and a way to pause them or begin one now.

import * as api from './api.js';
import { h, icon, put, setText } from './dom.js';
import { ago, count, plural } from './format.js';
import { stringify } from './json.js';
import { button, command, emptyWith, facts, failure, once, time, toast } from './widgets.js';

const overlaps = {
  skip: 'the time is skipped', queue: 'the new run waits for it', 'cancel-running': 'it is cancelled', allow: 'both go on',
};
/** Milliseconds between two looks at the list. */
const rest = 5000;
/** So many schedules are seen at a glance; of more, some can be looked for. */
const few = 6;

export default function schedulesPage(context) {
  const body = h('div', { class: 'schedules' });
  /** By the id of a schedule: what it is, how it was drawn, its card and the place of its later times. */
  const cards = new Map();
  let isRead = false;
  const nothing = () => emptyWith({ sign: 'schedules' }, 'No schedules yet',
    'A workflow begins its runs by itself when its script says when:',
    command('schedules = {\n  { id = "weekday", cron = "0 9 * * 1-5", timezone = "Europe/Oslo" },\n}'));

  const total = h('span', { class: 'muted num', 'aria-live': 'polite' });
  const search = h('input', {
    id: 'filter-schedules', type: 'search', placeholder: 'Name of a schedule or workflow', 'aria-label': 'Name of a schedule or workflow', value: context.query.q ?? '',
    autocomplete: 'off', spellcheck: 'false', 'data-search': true,
    oninput: () => { context.note({ q: search.value.trim() }); sift(); },
  });
  const find = h('label', { class: 'search schedule-find', hidden: true }, icon('search'), search);

  // The times after the next one are asked for where a card comes into view.
  const seen = new IntersectionObserver((entries) => {
    for (const { target, isIntersecting } of entries) if (isIntersecting) readTimes(cards.get(target.dataset.schedule));
  });
  const readTimes = async (entry) => {
    if (!entry || entry.one.paused || entry.timesOf === entry.one.nextTime) return;
    entry.timesOf = entry.one.nextTime;
    try {
      const { times = [] } = await api.json(`/api/schedules/${api.segment(entry.one.id)}/next?count=4`, { signal: context.signal });
      const after = times.slice(1, 4).map((at, index) => [index > 0 && h('br'), time(at)]);
      put(entry.later, after.length > 0 ? after : 'never again');
    } catch {
      entry.timesOf = undefined;
      put(entry.later, '–');
    }
  };

  const act = (one, verb, done) => (event) => once(event.currentTarget, async () => {
    const control = event.target.closest('button');
    try {
      const answer = await api.post(`/api/schedules/${api.segment(one.id)}/${verb}`);
      toast(done);
      if (answer.runId) {
        control.disabled = true;
        context.go(`#/runs/${api.segment(answer.runId)}`);
      } else await load();
    } catch (error) {
      toast(error.message, { kind: 'error' });
    }
  });

  const fill = (entry) => {
    const { one, later } = entry;
    put(entry.card,
      h('div', { class: 'schedule-head' }, h('h2', null, one.scheduleId), one.paused ? h('span', { class: 'run-status' }, h('span', { class: 'badge is-waiting' }, 'Paused')) : null),
      facts([
        ['Workflow', h('a', { href: `#/workflows/${api.segment(one.workflowId)}` }, one.workflowId)],
        ['When', one.cron ? h('span', null, h('code', null, one.cron), ` in ${one.timezone}`) : `every ${one.every}`],
        ['Next', one.paused ? 'paused: its times pass without a run' : one.nextTime ? h('span', null, time(one.nextTime), h('span', { class: 'muted schedule-in' }, `, ${ago(one.nextTime)}`)) : 'never again'],
        ['After that', !one.paused && later],
        ['Last run', one.lastRunId ? h('a', { href: `#/runs/${api.segment(one.lastRunId)}`, class: 'break' }, one.lastRunId) : 'none yet'],
        ['If one still runs', overlaps[one.overlap] ?? one.overlap],
        ['Missed times', one.catchUpAll ? `all within ${one.catchUp} are made up for` : `the newest within ${one.catchUp} is made up for`],
      ]),
      h('div', { class: 'card-end' },
        button('Run now', { class: 'small', 'data-needs': 'run', 'data-act': 'run', onclick: act(one, 'trigger', 'A run has begun') }, 'play'),
        button(one.paused ? 'Resume' : 'Pause', {
          class: 'small', 'data-needs': 'run', 'data-act': 'pause', onclick: one.paused ? act(one, 'resume', 'The schedule goes on') : act(one, 'pause', 'The schedule is paused'),
        })));
  };
  /** Draws what differs: who has come to a control stays there. */
  const take = (one) => {
    const text = stringify(one);
    let entry = cards.get(one.id);
    if (!entry) {
      entry = { later: h('span', null, '…'), card: h('section', { class: 'card', 'aria-label': `Schedule ${one.scheduleId}`, 'data-schedule': one.id }) };
      cards.set(one.id, entry);
      seen.observe(entry.card);
    }
    if (entry.text !== text) {
      const isLater = entry.text !== undefined;
      Object.assign(entry, { one, text });
      const held = entry.card.contains(document.activeElement) && document.activeElement;
      fill(entry);
      if (held) (entry.card.querySelector(held.dataset.act ? `[data-act="${held.dataset.act}"]` : 'a') ?? entry.card.querySelector('button')).focus({ preventScroll: true });
      // A card that is seen already does not come into view again.
      const { top, bottom } = entry.card.getBoundingClientRect();
      if (isLater && bottom > 0 && top < innerHeight) readTimes(entry);
    }
    setText(entry.card.querySelector('.schedule-in') ?? h('span'), `, ${ago(one.nextTime)}`);
    return entry.card;
  };
  /** Hides what is not looked for. */
  const sift = () => {
    const text = search.value.trim().toLowerCase();
    let found = 0;
    for (const { one, card } of cards.values()) {
      card.hidden = text !== '' && !`${one.scheduleId}\n${one.workflowId}`.toLowerCase().includes(text);
      found += Number(!card.hidden);
    }
    setText(total, cards.size === 0 ? '' : text ? `${count(found)} of ${count(cards.size)}` : plural(cards.size, 'schedule'));
    none.hidden = found > 0 || cards.size === 0;
  };
  const none = h('div', { hidden: true }, emptyWith({ sign: 'search' }, 'No schedule has such a name', button('Show all', { onclick: () => { search.value = ''; context.note({ q: '' }); sift(); search.focus(); } })));

  async function load() {
    try {
      const { schedules = [] } = await api.json('/api/schedules', { signal: context.signal });
      isRead = true;
      const wanted = new Set(schedules.map(({ id }) => id));
      for (const [id, { card }] of cards) if (!wanted.has(id)) { seen.unobserve(card); card.remove(); cards.delete(id); }
      find.hidden = schedules.length <= few && !search.value;
      if (schedules.length === 0) put(body, nothing());
      else {
        const list = schedules.map(take);
        if (list.some((card, at) => body.children[at] !== card)) put(body, list);
      }
      sift();
    } catch (error) {
      if (context.signal.aborted) return;
      if (error.status === 404) put(body, nothing());
      else if (!isRead) put(body, failure(error, load));
    }
  }
  load();
  // A schedule begins runs, and others pause it, while somebody looks.
  const clock = setInterval(() => !document.hidden && isRead && load(), rest);
  return {
    title: 'Schedules', element: h('div', { class: 'page' }, h('header', { class: 'page-head' }, h('h1', null, 'Schedules'), total, h('span', { class: 'grow' }), find), body, none),
    destroy: () => { clearInterval(clock); seen.disconnect(); },
  };
}
