// The shell: addresses to pages, navigation, keys, colours, and the way in where the server wants a token.

import * as api from './api.js';
import { h, icon, put } from './dom.js';
import { button, command, emptyWith, failure, toast } from './widgets.js';
import runsPage from './page-runs.js';

const pages = [
  { pattern: /^\/runs$/, nav: 'runs', load: async () => runsPage },
  { pattern: /^\/runs\/([^/]+)$/, nav: 'runs', names: ['id'], load: async () => (await import('./page-run.js')).default },
  { pattern: /^\/inbox(?:\/([^/]+)\/([^/]+))?$/, nav: 'inbox', names: ['run', 'path'], load: async () => (await import('./page-inbox.js')).default },
  { pattern: /^\/workflows$/, nav: 'workflows', load: async () => (await import('./page-workflows.js')).default },
  { pattern: /^\/workflows\/([^/]+)$/, nav: 'workflows', names: ['id'], load: async () => (await import('./page-workflow.js')).default },
  { pattern: /^\/schedules$/, nav: 'schedules', load: async () => (await import('./page-schedules.js')).default },
  { pattern: /^\/health$/, nav: 'health', load: async () => (await import('./page-health.js')).default },
];
const places = [
  ['runs', 'Runs'], ['inbox', 'Inbox'], ['workflows', 'Workflows'], ['schedules', 'Schedules'], ['health', 'Health'],
];

const main = document.getElementById('main');
const nav = document.getElementById('nav');
let current = null;
let visit = new AbortController();

// MARK: Addresses

const decoded = (text) => { try { return decodeURIComponent(text); } catch { return text; } };

function parse() {
  const [path, search = ''] = (location.hash.slice(1) || '/runs').split('?');
  for (const page of pages) {
    const match = path.match(page.pattern);
    if (!match) continue;
    const params = {};
    (page.names ?? []).forEach((name, index) => { params[name] = match[index + 1] === undefined ? undefined : decoded(match[index + 1]); });
    return { page, params, query: Object.fromEntries(new URLSearchParams(search)) };
  }
  return null;
}

async function route() {
  const found = parse();
  if (current && found && current.of === found.page && current.revisit?.(found.params, found.query)) return;
  visit.abort();
  visit = new AbortController();
  const { signal } = visit;
  const hadFocus = main.contains(document.activeElement) ? document.activeElement.id : null;
  current?.destroy?.();
  current = null;
  for (const link of nav.querySelectorAll('a')) {
    if (link.dataset.page === found?.page.nav) link.setAttribute('aria-current', 'page');
    else link.removeAttribute('aria-current');
  }
  if (!found) {
    put(main, h('div', { class: 'page' }, emptyWith({ sign: 'search', level: 'h1' }, 'There is no such page', 'The address may be cut off.', h('a', { href: '#/runs' }, 'Show all runs'))));
    return;
  }
  let make;
  try {
    make = await found.page.load();
  } catch {
    if (!signal.aborted) showMissing(found.page, signal);
    return;
  }
  if (signal.aborted) return;
  const page = make({
    params: found.params, query: found.query, signal,
    go: (address) => { location.hash = address; },
    /** Makes the page anew. */
    again: () => route(),
    /** Changes the query of the address without a visit. */
    note: (values) => {
      const [path] = (location.hash || '#/runs').split('?');
      history.replaceState(history.state, '', path + api.query({ ...Object.fromEntries(new URLSearchParams(location.hash.split('?')[1] ?? '')), ...values }));
    },
  });
  current = page;
  current.of = found.page;
  // To make a page and to lay it out take a frame each.
  await new Promise((resolve) => setTimeout(resolve));
  if (signal.aborted) return;
  document.title = `${page.title} · aikit-lua`;
  put(main, page.element);
  main.scrollTop = 0;
  const again = hadFocus && document.getElementById(hadFocus);
  (again || main).focus({ preventScroll: true });
}

/** Stands in for a page whose code did not come, until it does. */
function showMissing(page, signal) {
  const label = places.find(([name]) => name === page.nav)[1];
  const again = async () => {
    try {
      await page.load();
    } catch {
      // Some browsers remember that code did not come, and ask for it again only when everything is loaded anew.
      const isThere = await fetch('health/live').then(({ ok }) => ok, () => false);
      if (isThere && !signal.aborted) location.reload();
      return;
    }
    if (!signal.aborted) route();
  };
  document.title = `${label} · aikit-lua`;
  put(main, h('div', { class: 'page' }, h('header', { class: 'page-head' }, h('h1', null, label)), failure(new api.APIError(0), again)));
}

// MARK: Navigation and colours

for (const [name, label] of places) {
  nav.append(h('a', { href: `#/${name}`, 'data-page': name, title: label }, icon(name, 18), h('span', { class: 'nav-label' }, label),
    name === 'inbox' && h('span', { class: 'nav-count', id: 'inbox-count' })));
}

const themes = ['system', 'light', 'dark'];
const themeKey = 'aikit-lua.theme';
const theme = () => localStorage.getItem(themeKey) ?? 'system';
function applyTheme() {
  const name = theme();
  if (name === 'system') document.documentElement.removeAttribute('data-theme');
  else document.documentElement.dataset.theme = name;
  themeButton.title = `Colours: ${name}`;
  themeButton.setAttribute('aria-label', `Colours: ${name}. Change`);
}
const themeButton = h('button', {
  type: 'button', class: 'icon-button', id: 'theme',
  onclick: () => {
    localStorage.setItem(themeKey, themes[(themes.indexOf(theme()) + 1) % themes.length]);
    applyTheme();
  },
}, icon('theme'));
const who = h('div', { class: 'who', hidden: true });
function drawWho() {
  const { name, role, workflows } = api.principal;
  who.hidden = !api.principal.isSession;
  leave.hidden = !api.principal.isSession;
  const may = { read: 'Read only', run: 'Starts and answers', admin: 'Administrator' }[role] ?? role;
  put(who, h('span', { class: 'who-name', title: name }, name || 'You'), h('span', { class: 'muted small' }, may, workflows.length > 0 && `, of ${workflows.length === 1 ? workflows[0] : `${workflows.length} workflows`}`));
}
const leave = h('button', {
  type: 'button', class: 'icon-button', title: 'Log out', 'aria-label': 'Log out', hidden: true,
  onclick: async () => {
    try {
      await api.logOut();
    } catch (error) {
      toast(error.message, { kind: 'error' });
      return;
    }
    tabs.postMessage('out');
    logIn();
  },
}, icon('leave'));
document.getElementById('side-end').append(
  who, h('button', { type: 'button', class: 'icon-button', title: 'Keys (?)', 'aria-label': 'Keyboard help', onclick: () => help() }, icon('help')),
  themeButton, leave);
applyTheme();
// A phone has no room beside its navigation: what stands there elsewhere comes in a dialog.
nav.append(h('button', { type: 'button', class: 'nav-more', 'aria-haspopup': 'dialog', onclick: () => more() }, icon('more', 18), h('span', { class: 'nav-label' }, 'More')));
function more() {
  const dialog = h('dialog', { class: 'dialog', 'aria-labelledby': 'more-title', onclose: () => dialog.remove() },
    h('form', { method: 'dialog' }, h('h2', { id: 'more-title' }, 'More'),
      button('Change the colours', { onclick: () => themeButton.click() }, 'theme'),
      api.principal.isSession && button('Log out', { onclick: () => { dialog.close(); leave.click(); } }, 'leave'),
      h('div', { class: 'dialog-end' }, h('button', { type: 'submit', class: 'button' }, 'Close'))));
  document.body.append(dialog);
  dialog.showModal();
}

async function countTasks() {
  try {
    // Runs, not their tasks: what tasks show may be large, and is for the inbox alone.
    const { runs } = await api.json('/api/tasks?limit=0');
    const mark = document.getElementById('inbox-count');
    mark.textContent = runs === 0 ? '' : runs > 99 ? '99+' : String(runs);
    mark.parentElement.setAttribute('aria-label', runs === 0 ? 'Inbox' : `Inbox, ${mark.textContent} waiting`);
  } catch { /* The page says what is wrong. */ }
}
setInterval(() => {
  if (document.hidden || isOut) return;
  countTasks();
  if (!api.principal.isKnown) api.introduce().then(drawWho, () => {});
}, 15_000);
document.addEventListener('tasks-changed', countTasks);

// MARK: The connection

/** Milliseconds between two looks for a server that is away. */
const probeRest = 2000;
const away = document.getElementById('away');
let probing = 0;
const probe = () => !document.hidden && api.probe();
document.addEventListener('connection', () => {
  clearInterval(probing);
  probing = api.isAway ? setInterval(probe, probeRest) : 0;
  put(away, api.isAway && [icon('away', 14), h('span', null, 'No connection to the server. What is shown may be old.')]);
});
addEventListener('offline', probe);
addEventListener('online', probe);

// MARK: The way in

let isOut = false;
/** Covers a page that waits for its reader to log in again, with what was typed into it; null for none. */
let held = null;
/** The other tabs of this browser, which share the cookie. */
const tabs = new BroadcastChannel('aikit-lua.session');

/** Asks for a token. With `keeps`, the page that is shown waits below for the same reader. */
function logIn(message, keeps = false) {
  if (isOut) return;
  isOut = true;
  const isHeld = keeps && current !== null;
  if (!isHeld) leavePage();
  document.body.classList.toggle('is-out', !isHeld);
  const field = h('input', { type: 'password', id: 'token', autocomplete: 'current-password', required: true, spellcheck: 'false' });
  const trouble = h('div', { 'aria-live': 'assertive' }, message && h('p', { class: 'field-error' }, message));
  const send = h('button', { type: 'submit', class: 'button primary' }, 'Log in');
  const form = h('form', {
    class: isHeld ? '' : 'card', onsubmit: async (event) => {
      event.preventDefault();
      if (send.disabled) return;
      send.disabled = true;
      try {
        await api.logIn(field.value.trim());
        tabs.postMessage('in');
        enter();
      } catch (error) {
        put(trouble, h('p', { class: 'field-error' }, error.message));
        field.select();
      } finally {
        send.disabled = false;
      }
    },
  },
  h(isHeld ? 'h2' : 'h1', { id: 'login-title' }, 'Log in'), h('p', { class: 'muted' }, isHeld ? 'What you typed is still there.' : 'This server wants a token. The browser keeps it, where no script reads it, until you log out or close it.'),
  h('label', { for: 'token' }, 'Token'), field, trouble, send,
  h('details', { class: 'hint' }, h('summary', null, 'Where do I get one?'),
    h('p', null, 'Whoever runs the server makes it, on that machine:'), command('aikit-lua token create --name me --role run')));
  if (isHeld) {
    held = h('dialog', { class: 'dialog login-again', 'aria-labelledby': 'login-title', oncancel: (event) => event.preventDefault() }, h('div', { class: 'login' }, form));
    Object.assign(held, { reader: reader(), address: location.hash });
    document.body.append(held);
    held.showModal();
  } else {
    document.title = 'Log in · aikit-lua';
    put(main, h('div', { class: 'login' }, form));
  }
  field.focus();
}

const reader = () => JSON.stringify([api.principal.name, api.principal.role, api.principal.workflows]);
function leavePage() {
  visit.abort();
  visit = new AbortController();
  current?.destroy?.();
  current = null;
  for (const dialog of document.querySelectorAll('dialog[open]')) dialog.close();
  held?.remove();
  held = null;
}

function enter() {
  isOut = false;
  document.body.classList.remove('is-out');
  countTasks();
  drawWho();
  if (held && held.reader === reader() && held.address === location.hash) {
    held.close();
    held.remove();
    held = null;
    return;
  }
  leavePage();
  route();
}
document.addEventListener('unauthorized', ({ detail }) => {
  const wasIn = api.principal.isSession;
  logIn(wasIn || !/^Missing/.test(detail.message) ? 'The token is no longer good' : undefined, wasIn);
});
tabs.addEventListener('message', ({ data }) => {
  if (data === 'out' && !isOut) logIn();
  else if (data === 'in' && isOut) api.introduce().then(() => { document.dispatchEvent(new CustomEvent('authorized')); enter(); }, () => {});
});

// MARK: Keys

function help() {
  if (document.querySelector('dialog[open]')) return;
  const keys = [
    ['/', 'Filter'], ['j, k', 'Next, previous'], ['Enter', 'Open'], ['Esc', 'Back, or leave a field'], ['g then r, i, w, s, h', 'Runs, Inbox, Workflows, Schedules, Health'],
    ['t', 'Colours'], ['?', 'This help'],
  ];
  const dialog = h('dialog', { class: 'dialog', 'aria-labelledby': 'help-title', onclose: () => dialog.remove() },
    h('form', { method: 'dialog' }, h('h2', { id: 'help-title' }, 'Keys'),
      h('dl', { class: 'keys' }, keys.map(([key, what]) => [h('dt', null, key.split(/(, | then )/).map((part) => (/^(, | then )$/.test(part) ? part : h('kbd', null, part)))), h('dd', null, what)])),
      h('div', { class: 'dialog-end' }, h('button', { type: 'submit', class: 'button' }, 'Close'))));
  document.body.append(dialog);
  dialog.showModal();
}

let prefix = 0;
document.addEventListener('keydown', (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector('dialog[open]') || isOut) return;
  const field = event.target.closest('input, textarea, select, [contenteditable]');
  if (field) {
    // By itself a search field would also forget what stands in it.
    if (event.key === 'Escape') { event.preventDefault(); field.blur(); main.focus({ preventScroll: true }); }
    return;
  }
  if (prefix && event.timeStamp - prefix < 1500) {
    const place = places.find(([name]) => name[0] === event.key);
    prefix = 0;
    if (place) { location.hash = `#/${place[0]}`; event.preventDefault(); return; }
  }
  if (current?.key?.(event)) { event.preventDefault(); return; }
  const search = main.querySelector('[data-search]');
  if (event.key === '/' && search) { search.focus(); search.select(); event.preventDefault(); }
  else if (event.key === '?') help();
  else if (event.key === 't') themeButton.click();
  else if (event.key === 'g') prefix = event.timeStamp;
  else if (event.key === 'Escape' && /^#\/(runs|workflows|inbox)\/./.test(location.hash)) location.hash = location.hash.match(/^#\/[a-z]+/)[0];
});

document.getElementById('skip').addEventListener('click', (event) => { event.preventDefault(); main.focus(); });
addEventListener('hashchange', () => !isOut && route());
addEventListener('error', (event) => event.error && toast(`The page has a fault: ${event.error.message}`, { kind: 'error' }));

// A server that wants no token lets everybody in; one that does answers 401, which shows the way in.
countTasks();
api.introduce().then(drawWho, () => {});
// The other pages come when the first one is there, so that they open at once, and also while the server is away.
route().then(() => requestIdleCallback(() => { for (const page of pages) page.load().catch(() => {}); import('./graph.js').catch(() => {}); }, { timeout: 5000 }));
