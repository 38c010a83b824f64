// The picture of a workflow: the server's SVG, copied element by element, with zoom, search and the state of a run.

import * as api from './api.js';
import { h, icon, plain, s } from './dom.js';
import { compact, duration } from './format.js';
import { button, iconButton, statusName } from './widgets.js';

// What a picture may consist of. Nothing else is copied, so that a picture can bring neither code nor addresses.
const elements = new Set(['svg', 'g', 'rect', 'circle', 'polyline', 'path', 'text', 'title', 'defs', 'marker']);
const attributes = new Set([
  'x', 'y', 'width', 'height', 'rx', 'cx', 'cy', 'r', 'points', 'd', 'viewBox', 'transform', 'class', 'id', 'refX', 'refY', 'markerWidth',
  'markerHeight', 'orient', 'text-anchor', 'font-size', 'font-weight', 'data-path', 'data-from', 'data-to', 'data-kind', 'data-folds',
]);

function copied(node) {
  if (node.nodeType === Node.TEXT_NODE) return node.data.trim() ? plain(node.data) : null;
  if (node.nodeType !== Node.ELEMENT_NODE || !elements.has(node.localName)) return null;
  const props = {};
  for (const { name, value } of node.attributes) {
    if (attributes.has(name)) props[name] = value;
    else if (name === 'marker-end' && value === 'url(#arrow)') props[name] = value;
  }
  return s(node.localName, props, [...node.childNodes].map(copied));
}

/** The server's picture of a workflow, without the constructs whose paths are folded. */
async function read(workflow, { run, signal, folded }) {
  const folds = [...folded].map((path) => `&fold=${encodeURIComponent(path)}`).join('');
  const text = await api.text(`/api/workflows/${api.segment(workflow)}/graph${api.query({ format: 'svg', run })}${folds}`, { signal });
  // The picture's own style is for those who show it by itself; the policy of this page forbids it.
  const picture = copied(new DOMParser().parseFromString(text.replace(/<style>[^]*?<\/style>/, ''), 'image/svg+xml').documentElement);
  if (!(picture instanceof SVGElement)) throw new Error('The picture cannot be read');
  picture.querySelector(':scope > title')?.remove();
  picture.setAttribute('class', 'graph');
  // How a run stands is painted here, live.
  for (const mark of picture.querySelectorAll('.node-mark, .node-pill, .node-count')) mark.remove();
  for (const node of picture.querySelectorAll('.node')) node.setAttribute('class', 'node');
  // Heads of arrows have one size, however strong their line is.
  for (const head of picture.querySelectorAll('marker')) {
    for (const [name, value] of [['markerUnits', 'userSpaceOnUse'], ['markerWidth', '9'], ['markerHeight', '9']]) head.setAttribute(name, value);
  }
  picture.setAttribute('role', 'group');
  picture.setAttribute('aria-label', plain(`Graph of ${workflow}`));
  return picture;
}

/** `chosen(path)` hears which node was clicked. */
export async function graph(workflow, { run, signal, chosen = () => {} }) {
  const folded = new Set();
  const nodes = new Map();
  const folders = new Map();
  let picture;
  let box;
  let isCropped;
  const take = (made) => {
    picture = made;
    box = (picture.getAttribute('viewBox') ?? '0 0 100 100').split(' ').map(Number);
    isCropped = false;
    nodes.clear();
    for (const node of picture.querySelectorAll('[data-path]')) {
      nodes.set(node.dataset.path, node);
      node.setAttribute('tabindex', '-1');
      node.setAttribute('role', 'button');
      node.setAttribute('aria-label', plain(node.dataset.path));
      node.addEventListener('click', () => chosen(node.dataset.path));
    }
    // Beside the nodes, not in them: a button holds no button.
    folders.clear();
    for (const [path, node] of nodes) {
      if (!node.dataset.folds) continue;
      folders.set(path, folder(node));
      node.after(folders.get(path));
    }
  };
  // A construct folds by the mark at the right end of its head.
  const folder = (node) => {
    const { path, folds } = node.dataset;
    const [x, y, width] = ['x', 'y', 'width'].map((key) => Number(node.querySelector('.box').getAttribute(key)));
    const mark = icon(folds === 'open' ? 'down' : 'open', 12);
    for (const [key, value] of [['x', -6], ['y', -6]]) mark.setAttribute(key, value);
    const name = plain(`${folds === 'open' ? 'Fold' : 'Unfold'} ${path}`);
    return s('g', {
      class: 'node-fold', role: 'button', tabindex: '0', 'aria-label': name, 'aria-expanded': String(folds === 'open'), transform: `translate(${x + width - 14} ${y + 14})`,
      onclick: (event) => { event.stopPropagation(); flip(path); },
      onkeydown: (event) => { if (event.key === 'Enter' || event.key === ' ') { event.preventDefault(); event.stopPropagation(); flip(path, true); } },
    }, s('title', null, name), s('circle', { r: 10 }), mark);
  };
  let isReading = false;
  const redraw = async () => {
    if (isReading) return;
    isReading = true;
    try {
      const made = await read(workflow, { run, signal, folded });
      take(made);
      frame.replaceChildren(picture);
      crop();
      set(zoom);
      known.clear();
      if (painted) paint(painted);
      if (marked) select(marked, false);
      foldAll.hidden = ![...nodes.values()].some((node) => node.dataset.folds);
      const isAnyOpen = [...nodes.values()].some((node) => node.dataset.folds === 'open');
      foldAll.firstChild.textContent = isAnyOpen ? 'Fold all' : 'Unfold all';
    } finally {
      isReading = false;
    }
  };
  const flip = async (path, hadFocus = false) => {
    if (!folded.delete(path)) folded.add(path);
    await redraw();
    const node = nodes.get(path);
    if (node) {
      if (hadFocus) folders.get(path)?.focus({ preventScroll: true });
      show(node);
    }
  };
  const flipAll = async () => {
    const open = [...nodes].filter(([, node]) => node.dataset.folds === 'open');
    if (open.length > 0) for (const [path] of open) folded.add(path);
    else folded.clear();
    await redraw();
    fit();
  };
  const foldAll = button('Fold all', { class: 'small', hidden: true, onclick: flipAll });

  // Zoom and place: the picture lies in a frame that scrolls, so that keys, wheels and fingers work as everywhere.
  let zoom = 1;
  const frame = h('div', { class: 'graph-frame', tabindex: '0', role: 'region', 'aria-label': 'Graph' });
  const level = h('span', { class: 'num muted graph-level' });
  const set = (value, at) => {
    const old = zoom;
    zoom = Math.min(3, Math.max(0.15, value));
    const point = at ?? { x: frame.clientWidth / 2, y: frame.clientHeight / 2 };
    const left = (frame.scrollLeft + point.x) / old;
    const top = (frame.scrollTop + point.y) / old;
    picture.setAttribute('width', box[2] * zoom);
    picture.setAttribute('height', box[3] * zoom);
    frame.scrollLeft = left * zoom - point.x;
    frame.scrollTop = top * zoom - point.y;
    level.textContent = `${Math.round(zoom * 100)}%`;
  };
  // Without its caption, which the page says itself, the picture is only as large as what is drawn.
  const crop = () => {
    if (isCropped) return;
    const bounds = picture.querySelector(':scope > g')?.getBBox?.();
    const shift = picture.querySelector(':scope > g')?.transform.baseVal.consolidate()?.matrix;
    if (!bounds || bounds.width === 0) return;
    isCropped = true;
    const margin = 20;
    box = [bounds.x + (shift?.e ?? 0) - margin, bounds.y + (shift?.f ?? 0) - margin, bounds.width + 2 * margin, bounds.height + 2 * margin];
    picture.setAttribute('viewBox', box.join(' '));
  };
  const fit = () => {
    crop();
    const room = Math.min((frame.clientWidth - 32) / box[2], (frame.clientHeight - 32) / box[3]);
    // A picture that would be too small to read begins at its top.
    set(Math.min(1, Math.max(room, Math.min(0.75, (frame.clientWidth - 32) / box[2]), 0.4)));
    frame.scrollTop = 0;
    frame.scrollLeft = Math.max(0, (frame.scrollWidth - frame.clientWidth) / 2);
  };
  frame.addEventListener('wheel', (event) => {
    if (!event.ctrlKey && !event.metaKey) return;
    event.preventDefault();
    const bounds = frame.getBoundingClientRect();
    set(zoom * (event.deltaY < 0 ? 1.15 : 1 / 1.15), { x: event.clientX - bounds.left, y: event.clientY - bounds.top });
  }, { passive: false });
  let drag = null;
  frame.addEventListener('pointerdown', (event) => {
    if (event.pointerType !== 'mouse' || event.button !== 0) return;
    drag = { x: event.clientX, y: event.clientY, left: frame.scrollLeft, top: frame.scrollTop };
  });
  frame.addEventListener('pointermove', (event) => {
    if (!drag) return;
    frame.scrollLeft = drag.left - (event.clientX - drag.x);
    frame.scrollTop = drag.top - (event.clientY - drag.y);
  });
  for (const name of ['pointerup', 'pointerleave']) frame.addEventListener(name, () => { drag = null; });

  const show = (node) => {
    const rect = node.querySelector('.box') ?? node;
    const [one, other] = [rect.getBoundingClientRect(), frame.getBoundingClientRect()];
    frame.scrollLeft += one.left - other.left - (other.width - one.width) / 2;
    frame.scrollTop += one.top - other.top - (other.height - Math.min(one.height, 80)) / 2;
  };
  const search = h('input', {
    type: 'search', placeholder: 'Find a step', 'aria-label': 'Find a step', 'data-search': true, spellcheck: 'false',
    oninput: () => {
      const wanted = search.value.trim().toLowerCase();
      let first;
      for (const [path, node] of nodes) {
        const fits = wanted !== '' && path.toLowerCase().includes(wanted);
        node.classList.toggle('is-found', fits);
        if (fits) first ??= node;
      }
      if (first) show(first);
    },
  });
  const element = h('div', { class: 'graph-box' },
    h('div', { class: 'graph-tools' }, h('label', { class: 'search' }, icon('search'), search), h('span', { class: 'grow' }), foldAll, level,
      iconButton('Smaller', 'minus', { onclick: () => set(zoom / 1.25) }), iconButton('Larger', 'plus', { onclick: () => set(zoom * 1.25) }),
      iconButton('Fit', 'fit', { onclick: fit })), frame);

  const known = new Map();
  const placeOf = (step) => {
    if (known.has(step)) return known.get(step);
    const above = step.parent ? placeOf(step.parent) : '';
    const names = step.parent
      ? [`${above}{${step.parent.branch}}/${step.id}`, step.ordinal && `${above}[${step.ordinal}]/${step.id}`, `${above}/${step.id}`]
      : [step.id];
    const place = names.find((name) => name && nodes.has(name)) ?? names.at(-1);
    known.set(step, place);
    return place;
  };

  let painted = null;
  let marked = '';
  function select(path, reveal = true) {
    marked = path;
    for (const [name, node] of nodes) node.classList.toggle('is-selected', name === path);
    if (reveal && nodes.has(path)) show(nodes.get(path));
  }

  /** Shows how far a run has come: nodes by their worst or newest start, counts of starts, the way that was taken. */
  function paint(model) {
    painted = model;
    const states = new Map();
    for (const step of model.steps) {
      const place = placeOf(step);
      let state = states.get(place);
      if (!state) states.set(place, state = { status: step.status, starts: 0, done: 0, failed: 0, open: 0, time: 0 });
      state.starts += 1;
      if (step.to !== undefined) { state.done += 1; state.time += step.to - step.from; }
      if (step.status === 'failed') state.failed += 1;
      if (step.to === undefined) state.open += 1;
      if (state.failed === 0 || step.status === 'failed') {
        // What lives is told before what has ended.
        if (step.to === undefined || state.open === 0 || step.status === 'failed') state.status = step.status;
      }
    }
    const isOver = model.finishedAt !== undefined;
    for (const [path, node] of nodes) {
      const state = states.get(path);
      const name = state ? state.status : isOver ? 'skipped' : '';
      if (node._state !== name) {
        if (node._state) node.classList.remove(`is-${node._state}`);
        if (name) node.classList.add(`is-${name}`);
        node._state = name;
      }
      const words = state && state.starts > 1 ? `${compact(state.done)}/${compact(state.starts)}` : '';
      const rect = node.querySelector('.box');
      if (!node._mark) {
        const [x, y, width, height] = ['x', 'y', 'width', 'height'].map((key) => Number(rect.getAttribute(key)));
        node._mark = s('g', { class: 'node-mark', transform: `translate(${x + 8} ${y})` });
        // How often a body has run stands where no arrow comes in or goes out.
        node._pill = s('rect', { class: 'node-pill', x: x + width, y: y + height - 8, width: 0, height: 16, rx: 8 });
        node._count = s('text', { class: 'node-count', x: x + width, y: y + height + 4 });
        node._hint = s('title');
        node.append(node._pill, node._count, node._mark);
        node.prepend(node._hint);
      }
      if (node._shape !== name) {
        node._shape = name;
        node._mark.replaceChildren();
        if (name) {
          const shape = icon(name, 12);
          for (const [key, value] of [['x', -6], ['y', -6]]) shape.setAttribute(key, value);
          node._mark.append(s('circle', { r: 9, class: 'node-dot' }), shape);
        }
      }
      if (node._words !== words) {
        node._words = words;
        node._count.textContent = words;
        const room = words ? words.length * 6.6 + 12 : 0;
        const right = Number(rect.getAttribute('x')) + Number(rect.getAttribute('width')) + 6;
        node._pill.setAttribute('width', room);
        node._pill.setAttribute('x', right - room);
        node._count.setAttribute('x', right - room / 2);
      }
      node._hint.textContent = plain(`${path}${name ? `: ${statusName(name)}` : ''}${state?.done ? `, ${duration(state.time)}${state.done > 1 ? ' in all' : ''}` : ''}`);
    }
    for (const line of picture.querySelectorAll('[data-from]')) {
      const { from, to } = line.dataset;
      const begun = from === '' || states.get(from)?.done > 0 || (states.has(from) && to.startsWith(from));
      line.classList.toggle('is-taken', begun && (to === '' ? model.status === 'success' : states.has(to)));
    }
  }

  /** Goes to the next node, or the one before, and tells of it. */
  const move = (by) => {
    const paths = [...nodes.keys()];
    const at = paths.indexOf(marked);
    const path = paths[Math.min(paths.length - 1, Math.max(0, at + by))];
    if (path === undefined || path === marked) return;
    select(path);
    nodes.get(path).focus({ preventScroll: true });
    chosen(path);
  };

  await redraw();
  // Fits as soon as the frame has a place in the page.
  const watch = new ResizeObserver(() => { if (frame.clientWidth > 0) { watch.disconnect(); fit(); } });
  watch.observe(frame);
  return { element, has: (path) => nodes.has(path), placeOf, select, move, paint, destroy: () => watch.disconnect() };
}
