// Schedules: a place that says what there is, which is nothing as long as the server has none.

import * as api from './api.js';
import { h, put } from './dom.js';
import { command, empty, facts, failure, time } from './widgets.js';

export default function schedulesPage(context) {
  const body = h('div', { class: 'stack' });
  const nothing = () => empty('This server starts nothing by itself yet',
    'Runs begin when somebody asks for them. Until workflows can carry schedules of their own, a timer of the system does it, such as a line of a crontab:',
    command(`0 9 * * 1-5  curl -s --json '{"inputData":{}}' ${location.origin}${location.pathname}api/workflows/ID/runs`));
  api.json('/api/schedules', { signal: context.signal }).then(({ schedules = [] }) => put(body, schedules.length === 0 ? nothing() : schedules.map((one) => h('section', { class: 'card' }, h('h2', null, String(one.id)),
    facts([['Workflow', one.workflowId], ['When', one.cron ?? one.every], ['Next', one.next && time(one.next)]])))),
  (error) => !context.signal.aborted && put(body, error.status === 404 ? nothing() : failure(error)));
  return { title: 'Schedules', element: h('div', { class: 'page' }, h('header', { class: 'page-head' }, h('h1', null, 'Schedules')), body) };
}
