// Schedules: when runs begin by themselves, what they began last, and a way to pause them or begin one now.

import * as api from './api.js';
import { h, put } from './dom.js';
import { ago } from './format.js';
import { button, command, emptyWith, facts, failure, time, toast } from './widgets.js';

const overlaps = {
  skip: 'the time is skipped', queue: 'the new run waits for it', 'cancel-running': 'it is cancelled', allow: 'both go on',
};

export default function schedulesPage(context) {
  const body = h('div', { class: 'schedules' });
  const nothing = () => emptyWith({ sign: 'schedules' },'No schedules yet',
    'A workflow begins its runs by itself when its script says when:',
    command('schedules = {\n  { id = "weekday", cron = "0 9 * * 1-5", timezone = "Europe/Oslo" },\n}'));

  const card = (one) => {
    const act = async (verb, done) => {
      try {
        const answer = await api.post(`/api/schedules/${api.segment(one.id)}/${verb}`);
        toast(done);
        if (answer.runId) location.hash = `#/runs/${api.segment(answer.runId)}`;
        else await load();
      } catch (error) {
        toast(error.message, { kind: 'error' });
      }
    };
    const later = h('span', null, '…');
    if (!one.paused) {
      api.json(`/api/schedules/${api.segment(one.id)}/next?count=4`, { signal: context.signal }).then(({ times = [] }) => {
        const rest = times.slice(1, 4).map((at, index) => [index > 0 && h('br'), time(at)]);
        put(later, rest.length > 0 ? rest : 'never again');
      }, () => put(later, '–'));
    }
    return h('section', { class: 'card', 'aria-label': `Schedule ${one.scheduleId}` },
      h('div', { class: 'schedule-head' }, h('h2', null, one.scheduleId), one.paused ? h('span', { class: 'run-status' }, h('span', { class: 'badge is-waiting' }, 'Paused')) : null),
      facts([
        ['Workflow', h('a', { href: `#/workflows/${api.segment(one.workflowId)}` }, one.workflowId)],
        ['When', one.cron ? h('span', null, h('code', null, one.cron), ` in ${one.timezone}`) : `every ${one.every}`],
        ['Next', one.paused ? 'paused: its times pass without a run' : one.nextTime ? h('span', null, time(one.nextTime), h('span', { class: 'muted' }, `, ${ago(one.nextTime)}`)) : 'never again'],
        ['After that', !one.paused && later],
        ['Last run', one.lastRunId ? h('a', { href: `#/runs/${api.segment(one.lastRunId)}`, class: 'break' }, one.lastRunId) : 'none yet'],
        ['If one still runs', overlaps[one.overlap] ?? one.overlap],
        ['Missed times', one.catchUpAll ? `all within ${one.catchUp} are made up for` : `the newest within ${one.catchUp} is made up for`],
      ]),
      h('div', { class: 'card-end' },
        button('Run now', { class: 'small', 'data-needs': 'run', onclick: () => act('trigger', 'A run has begun') }, 'play'),
        button(one.paused ? 'Resume' : 'Pause', {
          class: 'small', 'data-needs': 'run', onclick: () => (one.paused ? act('resume', 'The schedule goes on') : act('pause', 'The schedule is paused')),
        })));
  };

  const load = async () => {
    try {
      const { schedules = [] } = await api.json('/api/schedules', { signal: context.signal });
      put(body, schedules.length === 0 ? nothing() : schedules.map(card));
    } catch (error) {
      if (!context.signal.aborted) put(body, error.status === 404 ? nothing() : failure(error, load));
    }
  };
  load();
  return { title: 'Schedules', element: h('div', { class: 'page' }, h('header', { class: 'page-head' }, h('h1', null, 'Schedules')), body) };
}
