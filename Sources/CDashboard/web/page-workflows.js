// The workflows that the server has, and the files that do not load.

import * as api from './api.js';
import { h, icon, put } from './dom.js';
import { count, statuses } from './format.js';
import { stringify } from './json.js';
import { command, emptyWith, failure } from './widgets.js';

/** Milliseconds between two looks at the list. */
const rest = 5000;

export default function workflowsPage(context) {
  const body = h('div', { class: 'cards' });
  const broken = h('div', { class: 'stack' });
  const search = h('input', { type: 'search', placeholder: 'Filter', 'aria-label': 'Filter workflows', 'data-search': true, spellcheck: 'false', value: context.query.q ?? '', oninput: () => { context.note({ q: search.value.trim() }); draw(); } });
  let workflows = [];
  let drawn = '';
  // How many runs it has in each status that any of them has.
  const numbers = ({ id, runs = {} }) => {
    const shown = Object.keys(statuses).filter((status) => runs[status] > 0);
    return h('div', { class: 'card-counts' }, shown.length === 0 ? h('span', { class: 'muted small' }, 'No runs yet') : shown.map((status) =>
      h('a', { class: `badge is-${status} num`, href: `#/runs${api.query({ workflow: id, status })}`, title: `${count(runs[status])} ${statuses[status].toLowerCase()}`, 'aria-label': `${id}: ${count(runs[status])} ${statuses[status].toLowerCase()}` }, icon(status, 14), count(runs[status]))));
  };
  const draw = () => {
    const held = body.contains(document.activeElement) ? document.activeElement.getAttribute('href') : null;
    const text = search.value.trim().toLowerCase();
    const shown = workflows.filter((one) => `${one.id} ${one.description ?? ''}`.toLowerCase().includes(text));
    put(body, shown.map((one) => h('article', { class: 'card workflow-card' },
      h('h2', null, h('a', { href: `#/workflows/${api.segment(one.id)}` }, one.id)), h('p', { class: 'muted' }, one.description ?? 'No description'),
      numbers(one),
      h('div', { class: 'card-end' }, h('a', { class: 'button small', 'data-needs': 'run', href: `#/workflows/${api.segment(one.id)}?view=start`, 'aria-label': `Start a run of ${one.id}` }, icon('play', 12), h('span', null, 'Start a run')),
        h('a', { class: 'link', href: `#/runs?workflow=${api.segment(one.id)}`, 'aria-label': `Runs of ${one.id}` }, 'Its runs')))));
    if (held) [...body.querySelectorAll('a')].find((link) => link.getAttribute('href') === held)?.focus({ preventScroll: true });
    if (workflows.length === 0 && broken.firstChild) put(body);
    else if (workflows.length === 0) {
      put(body, emptyWith({ sign: 'workflows' }, 'No workflows yet', 'Every .lua file that returns a workflow and lies in the folder that is served appears here. A first one is made by:',
        command('aikit-lua init .')));
    } else if (shown.length === 0) put(body, emptyWith({ sign: 'search' }, 'No workflow fits', 'The filter looks at names and descriptions.'));
  };
  const load = async () => {
    try {
      const answer = await api.json('/api/workflows?counts=true', { signal: context.signal });
      workflows = answer.workflows;
      const text = stringify(answer);
      if (text === drawn) return;
      drawn = text;
      put(broken, (answer.broken ?? []).map(({ file, error }) => h('section', { class: 'error-box', 'aria-label': `${file} does not load` },
        h('div', { class: 'error-head' }, icon('failed'), h('strong', null, `${file} does not load`)), h('pre', null, error), h('p', { class: 'muted small' }, 'What was live before stays so. Save the file again to try again.'))));
      draw();
    } catch (error) {
      if (!context.signal.aborted && drawn === '') put(body, failure(error, load));
    }
  };
  load();
  // Runs begin and end, and files are saved, while somebody looks.
  const clock = setInterval(() => !document.hidden && drawn !== '' && load(), rest);
  return {
    title: 'Workflows', destroy: () => clearInterval(clock),
    element: h('div', { class: 'page' }, h('header', { class: 'page-head' }, h('h1', null, 'Workflows'), h('span', { class: 'grow' }), h('label', { class: 'search' }, icon('search'), search)), broken, body),
    key(event) {
      const step = { j: 1, ArrowDown: 1, k: -1, ArrowUp: -1 }[event.key];
      if (!step) return false;
      const links = [...body.querySelectorAll('h2 a')];
      const index = links.indexOf(document.activeElement);
      links[Math.min(links.length - 1, Math.max(0, index + step))]?.focus();
      return true;
    },
  };
}
