// The fields of forms that hold one value each: text, number, choice, and a box for JSON.

import { h, put } from './dom.js';
import { hintsOf } from './form-check.js';
import { isInteger, numberOf, parse, stringify } from './json.js';
import { plainText, secretMark } from './widgets.js';

let serial = 0;
export const freshID = () => `field-${(serial += 1)}`;

/** What is wrong with a field, which says so itself. */
export class FieldError extends Error {
  isTold = true;
}

/** What `read` gives for each item. Where some are wrong, all of them say so, and the first error is thrown. */
export function gathered(items, read) {
  let wrong;
  const values = items.map((item) => {
    try {
      return read(item);
    } catch (error) {
      wrong ??= error;
      return undefined;
    }
  });
  if (wrong) throw wrong;
  return values;
}

function field({ label, help, required }, id, input) {
  const error = h('p', { class: 'field-error', id: `${id}-error`, role: 'alert' });
  const note = help && h('p', { class: 'help', id: `${id}-help` }, String(help));
  if (note) input.setAttribute('aria-describedby', `${id}-help`);
  const element = h('div', { class: 'field' }, h('label', { for: id }, label, required === false && h('span', { class: 'muted' }, ' (optional)')), input, note, error);
  const fail = (message) => {
    put(error, message ?? '');
    if (message) { input.setAttribute('aria-invalid', 'true'); input.setAttribute('aria-errormessage', `${id}-error`); } else input.removeAttribute('aria-invalid');
  };
  /** Says what is wrong, shows it, and stops what wanted the value. */
  const refuse = (message, reason) => {
    fail(message);
    throw new FieldError(reason);
  };
  return { element, fail, refuse };
}

/** Types of inputs by the formats of texts. */
const inputs = { date: 'date', email: 'email', 'idn-email': 'email', uri: 'url', password: 'password' };

/** The formats that no empty text has. */
const filled = new Set(['date', 'date-time', 'time', 'duration', 'email', 'idn-email', 'hostname', 'idn-hostname', 'ipv4', 'ipv6', 'uri', 'iri', 'uuid']);

/** Whether a text may not be empty, as far as its schema says it. */
function mayNotBeEmpty({ format, minLength, pattern }) {
  if (filled.has(format) || minLength > 0) return true;
  try { return typeof pattern === 'string' && !new RegExp(pattern, 'u').test(''); } catch { return false; }
}

/** A text or a number. `isFilled` refuses an empty text where one is required, `isLong` gives it lines. */
export function scalar(schema, options) {
  const { required, initial, isLong } = options;
  const id = freshID();
  const isNumber = schema.type === 'number' || schema.type === 'integer';
  const needsText = isNumber || options.isFilled || mayNotBeEmpty(schema);
  const type = isNumber ? 'text' : schema.writeOnly === true ? 'password' : inputs[schema.format] ?? 'text';
  const input = isLong ? h('textarea', { id, rows: 4 }) : h('input', {
    id, type, inputmode: isNumber ? (schema.type === 'integer' ? 'numeric' : 'decimal') : undefined,
    autocomplete: type === 'date' ? undefined : type === 'password' ? 'new-password' : 'off',
    placeholder: schema.format === 'date-time' ? '2030-01-31T08:00:00Z' : schema.examples?.[0] === undefined ? undefined : plainText(schema.examples[0]),
    'aria-required': required === true && needsText ? 'true' : undefined,
  });
  // Of a secret there is only the mark, which is no value to send.
  const isSecret = initial === secretMark;
  if (initial !== undefined && initial !== null && !isSecret) input.value = plainText(initial);
  const { element, fail, refuse } = field({ ...options, help: [options.help, hintsOf(schema), isSecret && 'what stood here is secret'].filter(Boolean).join(' · ') }, id, input);
  input.addEventListener('input', () => fail());
  const read = () => {
    const text = input.value;
    if (isNumber) return text.trim() === '' ? undefined : numberOf(text);
    return text === '' && (required !== true || needsText) ? undefined : text;
  };
  return {
    element,
    value() {
      const value = read();
      if (Number.isNaN(value) || (schema.type === 'integer' && value !== undefined && !isInteger(value))) {
        refuse(schema.type === 'integer' ? 'A whole number, please' : 'A number, please', `${options.label}: this is no ${schema.type}`);
      }
      if (value === undefined && required === true) refuse('This is needed', `${options.label} is needed`);
      return value;
    },
    peek: () => { const value = read(); return Number.isNaN(value) ? input.value : value; },
    set: (value) => { input.value = value === undefined || value === null ? '' : plainText(value); },
    issue: (path, message) => { fail(message); return true; },
  };
}

/** A choice of which the control's value is the name: `read` and `write` say which value that is. */
function selected(options, choices, { read, write, ask }) {
  const id = freshID();
  const { initial, required } = options;
  const select = h('select', { id }, h('option', { value: '' }, required === true ? 'Choose…' : 'Not given'), choices.map(([value, label]) => h('option', { value }, label)));
  const set = (value) => { select.value = write(value); };
  set(initial);
  const { element, fail, refuse } = field(options, id, select);
  select.addEventListener('change', () => fail());
  const peek = () => (select.value === '' ? undefined : read(select.value));
  return {
    element, peek, set,
    value() {
      if (select.value === '' && required === true) refuse(ask, `${options.label} is needed`);
      return peek();
    },
    issue: (path, message) => { fail(message); return true; },
  };
}

/** Yes or no. */
export const flag = (options) => selected(options, [['true', 'Yes'], ['false', 'No']], {
  read: (name) => name === 'true', write: (value) => (typeof value === 'boolean' ? String(value) : ''), ask: 'Yes or no, please',
});

const isSame = (one, other) => stringify(one) === stringify(other);

/** One of `items`, each a value and its label. */
export const choice = (items, options) => selected(options, items.map((item, index) => [String(index), item.label]), {
  read: (name) => items[Number(name)].value,
  write: (value) => {
    const index = items.findIndex((item) => isSame(item.value, value));
    return value === undefined || index < 0 ? '' : String(index);
  },
  ask: 'Choose one, please',
});

/** Any of `items`. */
export function several(items, { label, help, initial, isFilled }) {
  const boxes = items.map((item) => {
    const id = freshID();
    return { item, id, box: h('input', { type: 'checkbox', id }) };
  });
  const set = (value) => {
    for (const { item, box } of boxes) box.checked = Array.isArray(value) && value.some((one) => isSame(one, item.value));
  };
  set(initial);
  const error = h('p', { class: 'field-error', role: 'alert' });
  for (const { box } of boxes) box.addEventListener('change', () => put(error));
  const read = () => boxes.filter(({ box }) => box.checked).map(({ item }) => item.value);
  const value = () => {
    const chosen = read();
    if (!isFilled || chosen.length > 0) return chosen;
    put(error, 'Choose at least one, please');
    throw new FieldError(`${label} is needed`);
  };
  return {
    element: h('fieldset', { class: 'fields' }, h('legend', null, label), help && h('p', { class: 'help' }, String(help)),
      boxes.map(({ item, id, box }) => h('label', { class: 'check', for: id }, box, h('span', null, item.label))), error),
    value, peek: read, set,
    issue: (path, message) => { put(error, message); return true; },
  };
}

/** What is always the same. */
export function fixed(value, { label }) {
  return {
    element: h('div', { class: 'field' }, h('span', { class: 'label' }, label), h('code', null, stringify(value))),
    value: () => value, peek: () => value, set: () => {}, issue: () => false,
  };
}

/** Any value, as JSON. */
export function jsonField(options) {
  const id = freshID();
  const area = h('textarea', { id, class: 'code', rows: options.isTop ? 8 : 4, spellcheck: 'false', placeholder: 'JSON' });
  if (options.initial !== undefined) area.value = stringify(options.initial, 2);
  else if (options.isTop) area.value = '{}';
  const { element, fail, refuse } = field({ ...options, label: options.isTop ? `${options.label} (JSON)` : options.label }, id, area);
  area.addEventListener('input', () => fail());
  const read = () => (area.value.trim() === '' ? undefined : parse(area.value));
  return {
    element, isJSON: options.isTop,
    value() {
      try {
        return read();
      } catch (error) {
        return refuse(`This is no JSON: ${error.message}`, 'This is no JSON');
      }
    },
    peek: () => { try { return read(); } catch { return area.value; } },
    set: (value) => { area.value = value === undefined ? '' : stringify(value, 2); },
    issue: (path, message) => { fail(message); return true; },
  };
}
