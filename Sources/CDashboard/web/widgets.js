// Small parts that pages share: status marks, times, messages, questions, copies, values as trees.

import { append, h, icon, plain, put } from './dom.js';
import { ago, count, duration, exact, millis, moment, statuses } from './format.js';
import { isNumber, numberText, stringify } from './json.js';

export const statusName = (status) => statuses[status] ?? status;

/** What the number of a run's entries counts, which is more than the events that anybody is told of. */
export const entriesMeaning = 'What the journal of the run holds: its events, and facts that are needed to go on with it';

/** A status told by shape, colour and, unless it is a mere mark, by its name. */
export function badge(status, { mark = false } = {}) {
  const known = status in statuses || status === 'skipped' ? status : 'queued';
  return h('span', { class: `badge is-${known}${mark ? ' badge-mark' : ''}`, title: mark ? statusName(status) : undefined },
    icon(known, 14), mark ? h('span', { class: 'hidden' }, statusName(status)) : statusName(status));
}

/** A tag of a run, which leads to all runs that have it. */
export const tagChip = (key, value) =>
  h('a', { class: 'tag', href: `#/runs?tag=${encodeURIComponent(`${key}:${value}`)}`, title: `Runs with ${key}: ${value}` }, h('span', { class: 'tag-key' }, key), String(value));

/** Why a run has not begun, as a sentence; empty where the server does not say it. */
export function queueReason(queue) {
  if (!queue) return '';
  const parts = [queue.reason];
  if (queue.until) parts.push(`begins ${moment(queue.until)}`);
  if (queue.priority) parts.push(`priority ${queue.priority}`);
  return parts.filter(Boolean).join(', ');
}

/** A moment with the exact one on hover. */
export const time = (at, { relative = false } = {}) =>
  h('time', { datetime: Number.isNaN(millis(at)) ? undefined : new Date(millis(at)).toISOString(), title: exact(at), class: 'num' },
    relative ? ago(at) : moment(at));

export const button = (label, props, name) =>
  h('button', { type: 'button', ...props, class: `button ${props?.class ?? ''}` }, name && icon(name), h('span', null, label));

export const iconButton = (label, name, props) =>
  h('button', { type: 'button', title: label, 'aria-label': label, ...props, class: `icon-button ${props?.class ?? ''}` }, icon(name));

/** Says something for a moment, also to screen readers. */
export function toast(text, { kind = 'info' } = {}) {
  const element = h('div', { class: `toast is-${kind}` }, text);
  document.getElementById('toasts').append(element);
  setTimeout(() => element.remove(), kind === 'error' ? 8000 : 4000);
}

export async function copy(value, what = 'Copied') {
  const text = typeof value === 'string' ? value : stringify(value, 2);
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    // Where the clipboard is closed, as without TLS at another address, a selection can still be copied.
    const area = h('textarea', { class: 'offscreen', 'aria-hidden': 'true', value: text });
    document.body.append(area);
    area.select();
    document.execCommand('copy');
    area.remove();
  }
  toast(what);
}

/** Does one thing at a time by a button, which keeps the focus meanwhile; a press that comes too early does nothing. */
export async function once(control, act) {
  if (control.disabled || control.getAttribute('aria-disabled') === 'true') return;
  control.setAttribute('aria-disabled', 'true');
  try {
    await act();
  } finally {
    control.removeAttribute('aria-disabled');
  }
}

/** A message in place of content: what is missing and what to do about it. `sign` names an icon above it. */
export const empty = (title, ...more) => emptyWith({}, title, ...more);
export const emptyWith = ({ sign, level = 'h2' }, title, ...more) =>
  h('div', { class: 'empty' }, sign && h('span', { class: 'empty-sign' }, icon(sign, 24)), h(level, null, title),
    more.map((part) => (typeof part === 'string' ? h('p', null, part) : part)));

/** A command to type, with a button that copies it. */
export const command = (text) =>
  h('div', { class: 'command' }, h('code', null, text), iconButton('Copy the command', 'copy', { onclick: () => copy(text) }));

/** What went wrong. Where the server is away, the page asks again by itself as long as this is shown. */
export function failure(error, again) {
  if (error.status === 0 && again) {
    const element = emptyWith({ sign: 'away' }, 'The server cannot be reached', 'It may be starting anew. This page asks again by itself.', button('Try again', { onclick: again }));
    element.setAttribute('role', 'alert');
    const timer = setInterval(() => {
      if (!element.isConnected) clearInterval(timer);
      else if (!document.hidden) again();
    }, 2000);
    return element;
  }
  return h('div', { class: 'notice is-error', role: 'alert' }, icon('failed'),
    h('div', null, h('strong', null, error.message), error.code && h('div', { class: 'muted small' }, error.code)),
    again && button('Try again', { class: 'small', onclick: again }));
}

/**
 * Asks before something is done. `body` may hold fields; `act` does it, and its error keeps the question open.
 * Resolves to what `act` gave, or undefined if the question was left.
 */
export function ask({ title, body, confirm, danger = false, act }) {
  return new Promise((resolve) => {
    const trouble = h('div', { 'aria-live': 'assertive' });
    const yes = h('button', { type: 'submit', class: `button primary${danger ? ' danger' : ''}` }, confirm);
    const form = h('form', { method: 'dialog', novalidate: true },
      h('h2', { id: 'dialog-title' }, title), h('div', { class: 'dialog-body' }, body), trouble,
      h('div', { class: 'dialog-end' }, button('Close', { onclick: () => dialog.close() }), confirm && yes));
    const dialog = h('dialog', { class: 'dialog', 'aria-labelledby': 'dialog-title' }, form);
    let result;
    form.addEventListener('submit', (event) => {
      event.preventDefault();
      once(yes, async () => {
        put(trouble);
        try {
          result = await act(form);
          dialog.close();
        } catch (error) {
          if (!error.isTold) put(trouble, failure(error));
        }
      });
    });
    dialog.addEventListener('click', (event) => event.target === dialog && dialog.close());
    dialog.addEventListener('close', () => {
      dialog.remove();
      resolve(result);
      // The button that asked may be gone by what was done.
      if (document.activeElement === document.body) document.querySelector('main h1[tabindex], main')?.focus({ preventScroll: true });
    });
    document.body.append(dialog);
    dialog.showModal();
  });
}

/** Tabs over panels of which one is made when it is first shown. `tabs`: [{ id, label, panel() }]. */
export function tabs({ label, items, selected, changed }) {
  const bar = h('div', { class: 'tabs', role: 'tablist', 'aria-label': label });
  const body = h('div', { class: 'tab-body' });
  const buttons = new Map();
  let current;
  const show = (id) => {
    if (!buttons.has(id)) id = items[0].id;
    if (id === current) return;
    current = id;
    for (const [name, element] of buttons) {
      element.setAttribute('aria-selected', name === id);
      // Only the panel that is shown exists.
      if (name === id) element.setAttribute('aria-controls', `panel-${name}`);
      else element.removeAttribute('aria-controls');
      element.tabIndex = name === id ? 0 : -1;
    }
    buttons.get(id).scrollIntoView({ block: 'nearest', inline: 'nearest' });
    const item = items.find((one) => one.id === id);
    item.element ??= h('div', { class: 'panel', role: 'tabpanel', id: `panel-${id}`, 'aria-labelledby': `tab-${id}`, tabindex: '-1' }, item.panel());
    body.replaceChildren(item.element);
    item.shown?.();
    changed?.(id);
  };
  for (const item of items) {
    const element = h('button', {
      type: 'button', role: 'tab', id: `tab-${item.id}`, class: 'tab',
      onclick: () => show(item.id),
    }, item.label, item.count && h('span', { class: 'tab-count' }));
    buttons.set(item.id, element);
    bar.append(element);
  }
  bar.addEventListener('keydown', (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    const index = items.findIndex((item) => item.id === current);
    const next = items[(index + step + items.length) % items.length].id;
    show(next);
    buttons.get(next).focus();
    event.preventDefault();
  });
  show(selected ?? items[0].id);
  return {
    bar, body, show,
    count(id, value) {
      const mark = buttons.get(id)?.querySelector('.tab-count');
      if (mark && mark.textContent !== count(value)) mark.textContent = value > 0 ? count(value) : '';
    },
    get current() { return current; },
  };
}

// MARK: Values

/** What stands where a schema calls a value secret. */
export const secretMark = '[secret]';

/** Whether a secret is left out somewhere in a value. */
export const hasSecret = (value) => value === secretMark || (value !== null && typeof value === 'object' && Object.values(value).some(hasSecret));

/** A value that has no parts as text. */
export const plainText = (value) => (isNumber(value) ? numberText(value) : String(value));

const chunk = 100;
const longest = 600;
/** The characters of a block of text, and of those that one press shows. */
const blockText = 10_000;
const shownText = 100_000;
/** What somebody has to look at who decides is folded beyond so many entries, so that the answer stays in reach. */
const shownAtOnce = 40;

/** A JSON value as a tree that folds; parts are made when they are opened. What has more than `most` entries is folded at first. */
export function tree(value, { open = 2, label = 'value', most = Infinity } = {}) {
  return h('div', { class: 'json' }, node(value, undefined, { open, label, most }));
}

/** A tree with its name above it and a button that copies it. */
export function valueBox(title, value, { open = 2, most } = {}) {
  return h('section', { class: 'value' },
    h('div', { class: 'value-head' }, h('h3', null, title),
      iconButton(`Copy ${title}`, 'copy', { onclick: () => copy(value, `${title} copied`) })),
    tree(value, { open, label: title, most }));
}

/** Small objects with the same few fields as the rows of a table; undefined for any other value. */
function rowsTable(value) {
  if (!Array.isArray(value) || value.length === 0 || value.length > 50) return undefined;
  const isSmall = (one) => one === null || (typeof one === 'string' ? one.length <= 120 : typeof one !== 'object');
  const names = new Set();
  for (const row of value) {
    if (row === null || typeof row !== 'object' || Array.isArray(row) || !Object.values(row).every(isSmall)) return undefined;
    for (const name of Object.keys(row)) names.add(name);
    if (names.size === 0 || names.size > 6) return undefined;
  }
  const cell = (row, name) => (!Object.hasOwn(row, name) ? '' : plainText(row[name]));
  const areNumbers = new Map([...names].map((name) => [name, value.every((row) => !Object.hasOwn(row, name) || isNumber(row[name]))]));
  const kind = (name) => (areNumbers.get(name) ? 'num number' : undefined);
  return h('div', { class: 'scroll-x' }, h('table', { class: 'shown-rows' },
    h('thead', null, h('tr', null, [...names].map((name) => h('th', { scope: 'col', class: kind(name) }, name)))),
    h('tbody', null, value.map((row) => h('tr', null, [...names].map((name) => h('td', { class: kind(name) }, cell(row, name))))))));
}

/** A value as somebody reads it who has to decide: plain texts and numbers under their names, and trees of what has parts. */
export function shownBox(title, value) {
  const head = h('div', { class: 'value-head' }, h('h3', null, title), iconButton(`Copy ${title}`, 'copy', { onclick: () => copy(value, `${title} copied`) }));
  const plainly = (one) => (typeof one === 'string' && one.length <= 4 * longest ? h('span', { class: 'shown-text' }, one)
    : one === null || typeof one !== 'object' ? scalar(one) : rowsTable(one) ?? tree(one, { open: 2, label: title, most: shownAtOnce }));
  const isPlain = value === null || typeof value !== 'object';
  const isSmall = !isPlain && !Array.isArray(value) && Object.keys(value).length > 0 && Object.keys(value).length <= 30;
  const rows = rowsTable(value);
  if (!isPlain && !isSmall && !rows) return valueBox(title, value, { open: 3, most: shownAtOnce });
  return h('section', { class: 'value' }, head, h('div', { class: 'card shown' }, isPlain || rows ? plainly(value)
    : h('dl', { class: 'shown-facts' }, Object.keys(value).map((name) => [h('dt', null, name), h('dd', null, plainly(value[name]))]))));
}

function node(value, key, { open, label, most }) {
  const name = key === undefined ? null : h('span', { class: typeof key === 'number' ? 'json-index' : 'json-key' }, String(key));
  if (value === null || typeof value !== 'object') return h('div', { class: 'json-leaf' }, name, name && ': ', scalar(value));
  const keys = Array.isArray(value) ? null : Object.keys(value);
  const size = keys ? keys.length : value.length;
  const [head, tail] = keys ? ['{', '}'] : ['[', ']'];
  if (size === 0) return h('div', { class: 'json-leaf' }, name, name && ': ', h('span', { class: 'json-mark' }, head + tail));
  const body = h('div', { class: 'json-body' });
  const isOpen = open > 0 && size <= most;
  const fold = h('details', { open: isOpen },
    h('summary', { 'aria-label': plain(`${key ?? label}, ${size === 1 ? '1 entry' : `${size} entries`}`) }, name, name && ': ',
      h('span', { class: 'json-mark' }, head), h('span', { class: 'json-peek' }, peek(value, keys)), h('span', { class: 'json-mark json-peek' }, tail),
      h('span', { class: 'json-size' }, size === 1 ? '1 entry' : `${count(size)} entries`)),
    body);
  let made = 0;
  const more = () => {
    const end = Math.min(size, made + chunk);
    for (; made < end; made += 1) {
      const part = keys ? keys[made] : made + 1;
      body.append(node(keys ? value[keys[made]] : value[made], part, { open: open - 1, label, most }));
    }
    if (made < size) {
      const next = h('button', { type: 'button', class: 'link', onclick: () => { next.remove(); more(); } },
        `Show ${Math.min(chunk, size - made)} more of ${count(size - made)}`);
      body.append(next);
    }
  };
  if (isOpen) more();
  fold.addEventListener('toggle', () => fold.open && made === 0 && more());
  return fold;
}

function scalar(value) {
  if (typeof value !== 'string') return h('span', { class: `json-${value === null ? 'null' : isNumber(value) ? 'number' : typeof value}` }, plainText(value));
  const element = h('span', { class: 'json-string' });
  if (value.length <= longest) return append(element, [`"${value}"`]);
  append(element, [`"${value.slice(0, longest)}…`]);
  let end = 0;
  const more = h('button', { type: 'button', class: 'link', onclick: () => {
    if (end === 0) put(element);
    const stop = Math.min(value.length, end + shownText);
    // To lay out a text takes the square of its length, so a long one comes in blocks.
    while (end < stop) {
      const at = cutAfter(value, end + blockText);
      element.append(h('span', { class: value.length > blockText ? 'json-block' : undefined }, end === 0 && '"', value.slice(end, at), at === value.length && '"'));
      end = at;
    }
    if (end < value.length) put(more, `${count(Math.min(shownText, value.length - end))} more of ${count(value.length - end)} characters`);
    else more.remove();
  } }, value.length <= shownText ? `all ${count(value.length)} characters` : `the first ${count(shownText)} of ${count(value.length)} characters`);
  return h('span', null, element, more);
}

/** The place at or before `at` where a text can be cut without parting what belongs together: behind a line, or between characters. */
function cutAfter(text, at) {
  if (at >= text.length) return text.length;
  const line = text.lastIndexOf('\n', at) + 1;
  if (line > at - blockText / 2) return line;
  return text.charCodeAt(at) >= 0xdc00 && text.charCodeAt(at) < 0xe000 ? at - 1 : at;
}

function peek(value, keys) {
  const text = keys
    ? keys.slice(0, 4).map((key) => key.slice(0, 24)).join(', ')
    : value.slice(0, 4).map((item) => (item === null || typeof item !== 'object' ? String(stringify(item)).slice(0, 16) : '…')).join(', ');
  return (keys ? keys.length : value.length) > 4 ? `${text}, …` : text;
}

/** A value in one line of at most `limit` characters; takes no longer for a value of megabytes. */
export function line(value, limit = 160) {
  if (value === undefined) return '';
  if (typeof value === 'string') return value.length > limit ? `${value.slice(0, limit)}…` : value;
  const parts = [];
  let room = limit;
  const say = (text) => { parts.push(text); room -= text.length; };
  const write = (one) => {
    if (room <= 0) return;
    if (typeof one === 'string') say(JSON.stringify(one.length > room ? one.slice(0, room) : one));
    else if (one === null || typeof one !== 'object') say(plainText(one));
    else if (Array.isArray(one)) {
      say('[');
      for (let at = 0; at < one.length && room > 0; at += 1) { if (at > 0) say(','); write(one[at]); }
      say(']');
    } else {
      say('{');
      let isFirst = true;
      for (const key in one) {
        if (room <= 0) break;
        say(`${isFirst ? '' : ','}${JSON.stringify(key.slice(0, limit))}:`);
        isFirst = false;
        write(one[key]);
      }
      say('}');
    }
  };
  write(value);
  const text = parts.join('');
  return text.length > limit ? `${text.slice(0, limit)}…` : text;
}

/** Terms and what they are: [[term, content], …]; what has no content is left out. */
export const facts = (rows) =>
  h('dl', { class: 'facts' }, rows.filter(([, content]) => content !== undefined && content !== null && content !== '' && content !== false)
    .map(([term, content]) => [h('dt', null, term), h('dd', null, content)]));

/** Lines of a file around one of them, which is marked. */
export function sourceLines(file, at, around = 3) {
  const lines = file.text.replace(/\n$/, '').split('\n');
  const from = at ? Math.max(1, at - around) : 1;
  const to = at ? Math.min(lines.length, at + around) : lines.length;
  const list = h('ol', { class: 'source', start: from });
  // Of a part only what its lines are indented beyond each other says something.
  const indents = at ? lines.slice(from - 1, to).filter((line) => line.trim()).map((line) => line.search(/[^ ]/)) : [];
  const indent = indents.length > 0 ? Math.min(...indents) : 0;
  for (let number = from; number <= to; number += 1) {
    const line = lines[number - 1] ?? '';
    list.append(h('li', { class: number === at ? 'is-here' : undefined, value: number, 'aria-current': number === at ? 'location' : undefined },
      h('span', { class: 'source-number', 'aria-hidden': 'true' }, String(number)), h('code', { title: at && number !== at ? line.trim() : undefined }, line.slice(line.trim() ? indent : 0) || ' ')));
  }
  return list;
}

export const took = (from, to) => duration(millis(to) - millis(from));
