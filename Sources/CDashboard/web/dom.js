// Building elements. Text never becomes markup: strings become text nodes, and characters that cannot be seen are shown
// by their escapes, so what a run says looks the same everywhere and cannot reorder or hide what stands beside it.

// C0, C1, soft hyphen, zero-width, bidirectional marks, fillers, line separators, byte order mark, tags and variation selectors
// beyond those of emoji, lone surrogates. A joiner within an emoji belongs to it.
const unseen = new RegExp([
  '[\\u0000-\\u0008\\u000b-\\u001f\\u007f-\\u009f\\u00ad\\u034f\\u061c\\u115f\\u1160\\u17b4\\u17b5\\u180b-\\u180f\\u200b\\u200c\\u200e\\u200f'
  + '\\u2028-\\u202e\\u2060-\\u206f\\u3164\\ufe00-\\ufe0d\\ufeff\\uffa0\\ufff0-\\ufffb\\u{1bca0}-\\u{1bca3}\\u{1d173}-\\u{1d17a}\\u{e0000}-\\u{e0fff}]',
  '(?<!\\p{Extended_Pictographic}[\\ufe0f\\u{1f3fb}-\\u{1f3ff}]?)\\u200d', '\\u200d(?!\\p{Extended_Pictographic}|[\\u2640\\u2642\\u2695])', '\\p{Cs}',
].join('|'), 'u');
const unseenEach = new RegExp(unseen.source, 'gu');

const escapeOf = (character) => {
  if (character === '\r') return '\\r';
  const code = character.codePointAt(0);
  if (code > 0xffff) return `\\u{${code.toString(16)}}`;
  return code < 256 ? '\\x' + code.toString(16).padStart(2, '0') : '\\u' + code.toString(16).padStart(4, '0');
};

/** The text with escapes in place of what cannot be seen; for attributes and titles. */
export const plain = (text) => String(text).replace(unseenEach, escapeOf);

/** How many escapes of one text stand out; each costs an element. */
const mostMarks = 500;

/** Nodes of a text: escapes of what cannot be seen stand out. */
export function textNodes(text) {
  text = String(text);
  if (!unseen.test(text)) return [document.createTextNode(text)];
  const nodes = [];
  let from = 0;
  for (const match of text.matchAll(unseenEach)) {
    if (match.index > from) nodes.push(document.createTextNode(text.slice(from, match.index)));
    const mark = document.createElement('span');
    mark.className = 'unseen';
    mark.textContent = escapeOf(match[0]);
    nodes.push(mark);
    from = match.index + match[0].length;
    if (nodes.length > 2 * mostMarks) {
      nodes.push(document.createTextNode(plain(text.slice(from))));
      return nodes;
    }
  }
  if (from < text.length) nodes.push(document.createTextNode(text.slice(from)));
  return nodes;
}

function fill(element, props, children) {
  for (const [name, value] of Object.entries(props ?? {})) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith('on')) element.addEventListener(name.slice(2), value);
    else if (name === 'class') element.setAttribute('class', value);
    else if (name === 'value' || name === 'checked' || name === 'disabled' || name === 'open') element[name] = value;
    else element.setAttribute(name, value === true && !name.startsWith('aria-') ? '' : plain(value));
  }
  append(element, children);
  return element;
}

export function append(element, children) {
  for (const child of children.flat(3)) {
    if (child === undefined || child === null || child === false) continue;
    if (child instanceof Node) element.append(child);
    else element.append(...textNodes(child));
  }
  return element;
}

/** An HTML element: attributes, `on…` listeners, then children; strings are text. */
export const h = (tag, props, ...children) => fill(document.createElement(tag), props, children);

/** An SVG element, made like `h`. */
export const s = (tag, props, ...children) =>
  fill(document.createElementNS('http://www.w3.org/2000/svg', tag), props, children);

/** Puts children in place of those that an element has. */
export function put(element, ...children) {
  element.replaceChildren();
  return append(element, children);
}

/** Sets the text of an element if it differs; cheap enough for every frame. */
export function setText(element, text) {
  if (element._text === text) return;
  element._text = text;
  const only = element.firstChild;
  if (only && only === element.lastChild && only.nodeType === Node.TEXT_NODE && !unseen.test(text)) only.data = text;
  else element.replaceChildren(...textNodes(text));
}

/** Sets an attribute if it differs. */
export function setAttribute(element, name, value) {
  value = plain(value);
  if (element.getAttribute(name) !== value) element.setAttribute(name, value);
}

const icons = {
  runs: 'M3 4h10M3 8h10M3 12h6',
  inbox: 'M2 9l2-6h8l2 6v4H2zM2 9h4l1 2h2l1-2h4',
  workflows: 'M4 2.5a1.5 1.5 0 1 0 0 3a1.5 1.5 0 1 0 0-3M12 10.5a1.5 1.5 0 1 0 0 3a1.5 1.5 0 1 0 0-3M4 5.5v3a3.5 3.5 0 0 0 3.5 3.5h3',
  schedules: 'M8 2a6 6 0 1 0 0 12a6 6 0 1 0 0-12M8 4.5V8l2.5 1.5',
  health: 'M1.5 8h3l2-5 3 10 2-5h3',
  success: 'M3.5 8.5l3 3 6-7',
  failed: 'M4 4l8 8M12 4l-8 8',
  cancelled: 'M8 2.5a5.5 5.5 0 1 0 0 11a5.5 5.5 0 1 0 0-11M4.2 11.8l7.6-7.6',
  running: 'M8 2.5a5.5 5.5 0 1 1-5.5 5.5',
  waiting: 'M8 2.5a5.5 5.5 0 1 0 0 11a5.5 5.5 0 1 0 0-11M8 5v3l2 1.5',
  waiting_human: 'M8 2.5a2.5 2.5 0 1 0 0 5a2.5 2.5 0 1 0 0-5M3 14c0-3 2.2-4.5 5-4.5s5 1.5 5 4.5',
  queued: 'M4 8h.01M8 8h.01M12 8h.01',
  skipped: 'M3 8h10',
  copy: 'M5.5 5.5h8v8h-8zM10.5 5.5v-3h-8v8h3',
  open: 'M6 3.5l4.5 4.5L6 12.5',
  down: 'M3.5 6l4.5 4.5L12.5 6',
  theme: 'M8 2a6 6 0 1 0 0 12a6 6 0 1 0 0-12M8 2v12M8 4l3.5-.8M8 7h6M8 10h5.5M8 13l3-.6',
  help: 'M5.5 6a2.5 2.5 0 1 1 3.8 2.1C8.4 8.7 8 9.2 8 10M8 12.6v.1',
  leave: 'M6 2.5H3v11h3M7 8h7M11 5l3 3-3 3',
  more: 'M3.5 8h.01M8 8h.01M12.5 8h.01',
  close: 'M4 4l8 8M12 4l-8 8',
  plus: 'M8 3v10M3 8h10',
  minus: 'M3 8h10',
  fit: 'M2.5 6V2.5H6M10 2.5h3.5V6M13.5 10v3.5H10M6 13.5H2.5V10',
  search: 'M7 2.5a4.5 4.5 0 1 0 0 9a4.5 4.5 0 1 0 0-9M10.5 10.5L14 14',
  play: 'M4.5 3v10l8-5z',
  away: 'M4.5 11.5h6a3 3 0 0 0 .6-5.9A3.5 3.5 0 0 0 4.6 5.4a3.1 3.1 0 0 0-.1 6.1M2.5 2.5l11 11',
  back: 'M10 3.5L5.5 8l4.5 4.5',
};

/** A picture of 16 by 16 that says nothing to screen readers. */
export const icon = (name, size = 16) =>
  s('svg', { class: `icon icon-${name}`, viewBox: '0 0 16 16', width: size, height: size, 'aria-hidden': 'true' },
    s('path', { d: icons[name] ?? icons.queued }));
