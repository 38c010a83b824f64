// Everything that waits for a person, and the answer to it.

import * as api from './api.js';
import { draft, forget } from './drafts.js';
import { h, icon, put, setText } from './dom.js';
import { submit, valueForm } from './form.js';
import { formText } from './form-text.js';
import { ago, exact, plural, shortID } from './format.js';
import { button, command, copy, emptyWith, facts, failure, iconButton, once, shownBox, time, toast } from './widgets.js';

/** Milliseconds for which an answer is not taken after the page itself has put another task in the place of one. */
const settling = 1000;
/** Tasks for which is asked at once. */
const pageSize = 50;

export default function inboxPage(context) {
  const { params } = context;
  let tasks = [];
  let next = null;
  let open = null;
  let wanted = params.run ? { run: params.run, path: params.path } : null;
  /** Whether the next form comes in the place of another by itself: a press may still be meant for that one. */
  let comesByItself = false;

  const keyOf = (task) => `${task.runId} ${task.path}`;
  const address = (task) => `#/inbox/${api.segment(task.runId)}/${api.segment(task.path)}`;
  const total = h('span', { class: 'muted num', 'aria-live': 'polite' });
  const list = h('ul', { class: 'task-list', 'aria-label': 'Waiting' });
  const detail = h('div', { class: 'task-detail', tabindex: '-1' });
  const split = h('div', { class: 'split' }, list, detail);

  /** Stands in for a task that waits no more, and says who answered it as soon as that is known. */
  const answers = new Map();
  const gone = (place, title, sign) => {
    const { run, path } = place;
    const words = h('p', null, 'It was answered, or the run went on without an answer.');
    const key = `${run} ${path}`;
    if (!answers.has(key)) answers.set(key, api.json(`/api/runs/${api.segment(run)}/events${api.query({ path })}`, { signal: context.signal }));
    answers.get(key).then(({ events }) => {
      const answer = events.findLast(({ type }) => type === 'step:human:completed');
      if (answer) put(words, answer.data?.answeredBy ? `Answered by ${answer.data.answeredBy}, ` : 'Answered, ', time(answer.timestamp));
      else answers.delete(key);
    }, () => {});
    return emptyWith({ sign }, title, words, h('a', { href: `#/runs/${api.segment(run)}` }, 'Show the run'));
  };

  const draw = () => {
    put(total, tasks.length === 0 ? '' : `${plural(tasks.length, 'task')}${next ? ' or more' : ''}`);
    if (tasks.length === 0) {
      if (wanted) {
        open = null;
        return put(element.querySelector('.inbox-body'), gone(wanted, 'Nothing waits here', 'success'));
      }
      return put(element.querySelector('.inbox-body'), emptyWith({ sign: 'inbox' }, 'Nobody is waited for',
        'A run that comes to a human step stops here until somebody answers. In a script such a step is written:',
        command(':human {\n  id = "approval",\n  output = function(value) return value end,\n  response_schema = s.object { approved = s.boolean() },\n}')));
    }
    const body = element.querySelector('.inbox-body');
    if (!split.isConnected) put(body, split);
    const held = list.contains(document.activeElement) && document.activeElement.getAttribute('href');
    put(list, tasks.map((task) => h('li', null, h('a', {
      href: address(task), class: 'task', 'aria-current': open && keyOf(task) === keyOf(open) ? 'true' : undefined,
    },
    h('span', { class: 'task-title' }, task.title ?? task.stepId),
    h('span', { class: 'task-of muted' }, task.workflowId, ' · ', shortID(task.runId)),
    h('time', { class: 'task-since muted num', title: exact(task.requestedAt), 'data-at': task.requestedAt }, ago(task.requestedAt)),
    // Tasks of one workflow have one title: what is shown tells them apart.
    task.preview !== undefined && h('span', { class: 'task-shown muted' }, task.preview)))),
    next && h('li', null, button('Show more', { class: 'small', onclick: more })));
    if (held) [...list.querySelectorAll('a')].find((link) => link.getAttribute('href') === held)?.focus({ preventScroll: true });
  };

  /** Asks for the whole of a task, of which the list has the summary; null if it no longer waits. */
  const whole = async ({ run, path }) => {
    try {
      const { tasks: found } = await api.json(`/api/tasks${api.query({ run })}`, { signal: context.signal });
      return found.find((task) => task.path === path) ?? null;
    } catch (error) {
      if (error.status === 404) return null;
      throw error;
    }
  };

  const show = (task) => {
    open = task;
    split.classList.toggle('has-open', Boolean(task));
    draw();
    if (!task) return put(detail);
    const hadFocus = detail.contains(document.activeElement);
    list.querySelector('[aria-current]')?.scrollIntoView({ block: 'nearest' });
    detail.scrollTop = 0;
    put(detail,
      h('div', { class: 'detail-head' },
        h('a', { class: 'icon-button back', href: '#/inbox', 'aria-label': 'Back to the list' }, icon('back')),
        h('div', null, h('h2', { tabindex: '-1' }, String(task.form?.title ?? task.stepId)),
          h('div', { class: 'muted small break' }, task.workflowId, ' · ', h('a', { href: `#/runs/${api.segment(task.runId)}` }, shortID(task.runId)), ' · ', task.path))),
      task.output !== undefined && shownBox('Shown', task.output),
      api.principal.role === 'read'
        ? h('section', { class: 'card answer', 'aria-label': 'Asked for' }, formText({ form: task.form, schema: task.responseSchema }), h('p', { class: 'muted' }, 'Your token may look, and not answer.'))
        : answerForm(task),
      facts([
        ['Waiting since', time(task.requestedAt)], ['Until', task.until && time(task.until)],
        ['Digest', task.digest && h('span', { class: 'digest' }, h('code', { title: 'Of what is shown and asked; an answer is to exactly this' }, task.digest.slice(0, 12)), iconButton('Copy the digest', 'copy', { onclick: () => copy(task.digest) }))],
      ]));
    if (hadFocus) detail.querySelector('h2').focus({ preventScroll: true });
  };

  const answerForm = (task) => {
    // Who looks at another task or page meanwhile finds what they typed, as long as the same is asked.
    const name = `answer ${keyOf(task)} ${task.digest}`;
    const { form } = draft(name, () => valueForm({ form: task.form, schema: task.responseSchema, label: 'Answer' }));
    const trouble = h('div', { 'aria-live': 'assertive' });
    const send = h('button', { type: 'submit', class: 'button primary' }, String(task.form?.submit_label ?? 'Send the answer'));
    // A press that comes late is not for a task that its reader has not read.
    if (comesByItself) {
      comesByItself = false;
      send.disabled = true;
      setTimeout(() => { send.disabled = false; }, settling);
    }
    return h('form', {
      class: 'card answer', novalidate: true, onsubmit: (event) => {
        event.preventDefault();
        once(send, () => answer());
      },
    }, form.element, trouble, h('div', { class: 'form-end' }, send));
    async function answer() {
      put(trouble);
      try {
        await submit(form, (data) => api.post(`/api/tasks/${api.segment(task.runId)}/${task.path.split('/').map(api.segment).join('/')}?wait=1s`, { data, digest: task.digest }));
        send.disabled = true;
        toast('The answer was taken');
        forget(name);
        const at = tasks.findIndex((one) => keyOf(one) === keyOf(task));
        tasks = tasks.filter((one) => keyOf(one) !== keyOf(task));
        document.dispatchEvent(new CustomEvent('tasks-changed'));
        wanted = null;
        comesByItself = true;
        // On to the one that came after it.
        const following = tasks[Math.min(Math.max(0, at), tasks.length - 1)];
        context.go(following ? address(following) : '#/inbox');
      } catch (error) {
        put(trouble, error instanceof api.APIError ? failure(error) : null);
        if (error.code === 'digest_mismatch' || error.code === 'not_waiting') {
          comesByItself = true;
          load();
        }
      }
    }
  };

  /** How many tasks the list shows at most. */
  let room = pageSize;
  let reads = 0;
  /** Reads the list anew, as long as it is shown, unless it is read again meanwhile. */
  const read = async () => {
    const turn = (reads += 1);
    const found = [];
    let cursor;
    do {
      const page = await api.json(`/api/tasks${api.query({ workflow: context.query.workflow, limit: pageSize, cursor, summary: true })}`, { signal: context.signal });
      found.push(...page.tasks);
      cursor = page.next;
    } while (cursor && found.length < room && turn === reads);
    if (turn !== reads) return false;
    tasks = found;
    next = cursor;
    return true;
  };
  let asked = 0;
  /** Shows the task that the address names, or else, where there is room beside the list, the first one. */
  const settle = async () => {
    const hadFocus = element.contains(document.activeElement);
    await settleNow();
    // What had the focus may be gone: the page keeps it.
    if (hadFocus && document.activeElement === document.body && !context.signal.aborted) (wanted && detail.isConnected ? detail : title).focus({ preventScroll: true });
  };
  const settleNow = async () => {
    const turn = (asked += 1);
    await api.introduced();
    const first = !wanted && tasks[0] && matchMedia('(min-width: 900px)').matches ? { run: tasks[0].runId, path: tasks[0].path } : null;
    const place = wanted ?? first;
    draw();
    if (!place) return;
    let found;
    try {
      found = await whole(place);
    } catch (error) {
      if (!context.signal.aborted && turn === asked) put(detail, failure(error, settle));
      return;
    }
    if (context.signal.aborted || turn !== asked) return;
    if (found) {
      // A list of which not all is read may lack it.
      if (!tasks.some((task) => keyOf(task) === keyOf(found))) tasks.unshift({ ...found, title: found.form?.title === undefined ? undefined : String(found.form.title) });
      if (!open || keyOf(open) !== keyOf(found) || open.digest !== found.digest) show(found);
      else draw();
    } else if (wanted) {
      const wasOpen = open !== null;
      open = null;
      tasks = tasks.filter((task) => task.runId !== place.run || task.path !== place.path);
      draw();
      put(detail, wasOpen ? gone(place, 'This is over', 'success') : gone(place, 'Nothing waits here', 'inbox'));
      split.classList.add('has-open');
    }
  };
  async function load() {
    try {
      if (await read()) await settle();
    } catch (error) {
      if (!context.signal.aborted) put(element.querySelector('.inbox-body'), failure(error, load));
    }
  }
  async function more() {
    const known = tasks.length;
    room = known + pageSize;
    try {
      if (await read()) await settle();
      list.querySelectorAll('a')[known]?.focus();
    } catch (error) {
      if (!context.signal.aborted) toast(error.message, { kind: 'error' });
    }
  }

  const clock = setInterval(() => {
    for (const element of list.querySelectorAll('[data-at]')) setText(element, ago(element.dataset.at));
  }, 10_000);

  let again = 0;
  api.follow('/api/events?type=step:human:requested,step:human:completed,workflow:cancelled', {
    signal: context.signal, missed: load,
    frames: async () => { if (!again) again = setTimeout(() => { again = 0; if (!context.signal.aborted) load(); }, 1000); },
  });
  load();

  const title = h('h1', { tabindex: '-1' }, 'Inbox');
  const element = h('div', { class: 'page page-fill' }, h('header', { class: 'page-head' }, title, total), h('div', { class: 'inbox-body' }));
  return {
    element, title: 'Inbox',
    /** Another task of the same list. */
    revisit(to) {
      wanted = to.run ? { run: to.run, path: to.path } : null;
      open = null;
      if (!wanted) show(null);
      settle().then(() => {
        if (context.signal.aborted) return;
        if (wanted) detail.querySelector('h2')?.focus({ preventScroll: true });
        else if (document.activeElement === document.body) title.focus({ preventScroll: true });
      });
      return true;
    },
    key(event) {
      const step = { j: 1, k: -1 }[event.key];
      if (!step || tasks.length === 0) return false;
      // Keys may come faster than tasks: the one that is asked for counts.
      const at = wanted ? `${wanted.run} ${wanted.path}` : open ? keyOf(open) : '';
      const index = tasks.findIndex((task) => keyOf(task) === at);
      const to = tasks[Math.min(tasks.length - 1, Math.max(0, index + step))];
      // The visit follows when the browser tells of the new address, which the next key may come before.
      wanted = { run: to.runId, path: to.path };
      context.go(address(to));
      return true;
    },
    destroy() {
      clearTimeout(again);
      clearInterval(clock);
    },
  };
}
