// Schedules: when runs begin by themselves, what they began last, and a way to pause them or begin one now.

import * as api from './api.js';
import { h, put } from './dom.js';
import { button, command, empty, facts, failure, time, toast } from './widgets.js';

const overlaps = {
  skip: 'passes the time', queue: 'waits for it', 'cancel-running': 'cancels it', allow: 'runs beside it',
};

export default function schedulesPage(context) {
  const body = h('div', { class: 'stack' });
  const nothing = () => empty('No schedules yet',
    'A workflow begins its runs by itself when its script says when:',
    command('schedules = { { id = "weekday", cron = "0 9 * * 1-5", timezone = "Europe/Oslo" } }'));

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
    return h('section', { class: 'card', 'aria-label': `Schedule ${one.scheduleId}` },
      h('h2', null, one.scheduleId, one.paused ? ' · paused' : ''),
      facts([
        ['Workflow', h('a', { href: `#/workflows/${api.segment(one.workflowId)}` }, one.workflowId)],
        ['When', one.cron ? `${one.cron}  (${one.timezone})` : `every ${one.every}`],
        ['Next', one.paused ? 'paused: its times pass without a run' : one.nextTime ? time(one.nextTime) : 'never again'],
        ['Last run', one.lastRunId ? h('a', { href: `#/runs/${api.segment(one.lastRunId)}` }, one.lastRunId) : 'none yet'],
        ['A run under way', overlaps[one.overlap] ?? one.overlap],
        ['Catches up', one.catchUpAll ? `every time within ${one.catchUp}` : `the newest time within ${one.catchUp}`],
      ]),
      h('div', { class: 'card-end' },
        button('Run now', { class: 'small', onclick: () => act('trigger', 'A run has begun') }, 'play'),
        button(one.paused ? 'Resume' : 'Pause', {
          class: 'small', onclick: () => (one.paused ? act('resume', 'The schedule goes on') : act('pause', 'The schedule is paused')),
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
