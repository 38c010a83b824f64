// The fields of forms that a JSON Schema wants.

import { h, plain, put } from './dom.js';
import { hintsOf } from './form-check.js';
import { choice, fixed, freshID, gathered, jsonField, flag, scalar } from './form-fields.js';
import { own, stringify } from './json.js';
import { beyondNull, mayHold, namesOf, resolved, typeOf, variantsOf } from './schema.js';
import { button, iconButton } from './widgets.js';

/** A name as it is shown: one that is empty, or begins or ends with spaces, has to be told from none. */
export const shownName = (name) => (name === '' ? '(empty name)' : name.trim() === name ? name : `“${name}”`);

/** An object of entries; a key of any name is an own key, and what is undefined is left out. */
export function objectOf(entries) {
  const result = {};
  for (const [name, value] of entries) if (value !== undefined) own(result, name, value);
  return result;
}

/** The field for a schema: `element`, `value()` or what is wrong as an error, `peek()`, `set(value)` and `issue(path, message)`. */
export function schemaField(given, options) {
  const schema = resolved(given, options.root);
  const label = schema.title || options.label;
  const common = { ...options, label, help: schema.description, initial: options.initial === undefined ? schema.default : options.initial };
  if (options.level > 8) return jsonField(common);
  if (schema.const !== undefined) return fixed(schema.const, common);
  if (schema.enum) return choice(schema.enum.map((value) => ({ value, label: typeof value === 'string' ? value : stringify(value) })), common);
  const value = beyondNull(schema, options.root);
  if (value) return nullable(value, common);
  const variants = variantsOf(schema);
  if (variants?.length === 1) return schemaField(variants[0], options);
  if (variants) return union(variants, common);
  // Of what may be missing nothing is sent before something is typed.
  const start = (empty) => common.initial ?? (options.required === false ? undefined : empty);
  switch (typeOf(schema)) {
    case 'object': return schema.properties && Object.keys(schema.properties).length > 0 ? object(schema, common) : jsonField({ ...common, initial: start({}) });
    case 'array': return schema.items && schema.items !== true ? array(schema, common) : jsonField({ ...common, initial: start([]) });
    case 'boolean': return flag(common);
    case 'null': return fixed(null, common);
    case 'string': case 'number': case 'integer': return scalar(schema, common);
    default: return jsonField(common);
  }
}

function object(schema, { label, help, root, initial, isTop, isInline, level = 0, told }) {
  const required = new Set(schema.required ?? []);
  const entries = namesOf(schema).map((name) => {
    const inner = schema.properties[name];
    const value = initial && Object.hasOwn(initial, name) ? initial[name] : undefined;
    const shown = shownName(name);
    const make = (start) => schemaField(inner, { label: shown, root, initial: start, required: required.has(name), level: level + 1 });
    const kind = resolved(inner, root);
    if (name === told && kind.const !== undefined) return [name, { ...fixed(kind.const, { label: shown }), element: null }];
    const isSimple = kind.properties === undefined && (!variantsOf(kind) || beyondNull(kind, root)) && kind.type !== 'array';
    // A scalar that may be missing is missing while it is empty; what has parts is added by hand, or is there from the beginning.
    return [name, required.has(name) || isSimple ? make(value) : optional(shown, kind.description, make, value === undefined ? kind.default : value)];
  });
  const element = isTop || isInline
    ? h('div', { class: 'fields' }, help && h('p', { class: 'muted' }, help), entries.map(([, part]) => part.element))
    : h('fieldset', { class: 'fields' }, h('legend', null, label), help && h('p', { class: 'muted small' }, help), entries.map(([, part]) => part.element));
  return {
    element,
    value: () => objectOf(gathered(entries, ([name, part]) => [name, part.value()])),
    peek: () => objectOf(entries.map(([name, part]) => [name, part.peek()])),
    set: (value) => { for (const [name, part] of entries) part.set(value && Object.hasOwn(value, name) ? value[name] : undefined); },
    issue: ([head, ...rest], message) => {
      const found = entries.find(([name]) => name === head);
      return found ? found[1].issue(rest, message) : false;
    },
  };
}

function optional(label, help, make, initial) {
  let part = null;
  const body = h('div');
  const id = freshID();
  const box = h('input', { type: 'checkbox', id, onchange: () => turn(box.checked) });
  const turn = (on, value) => {
    box.checked = on;
    part = on ? make(value) : null;
    put(body, part?.element);
  };
  if (initial !== undefined) turn(true, initial);
  return {
    element: h('div', { class: 'optional' }, h('label', { class: 'check', for: id }, box, h('span', null, label, h('span', { class: 'muted' }, ' (optional)'))),
      help && !part && h('p', { class: 'help' }, help), body),
    value: () => part?.value(),
    peek: () => part?.peek(),
    set: (value) => turn(value !== undefined, value),
    issue: (path, message) => (part ? part.issue(path, message) : false),
  };
}

/** The field of a value without parts, beside a box that makes it null. */
function nullable(schema, options) {
  const part = schemaField(schema, { ...options, initial: options.initial ?? undefined });
  const id = freshID();
  const box = h('input', { type: 'checkbox', id, 'aria-label': `${options.label} is null`, onchange: () => turn(box.checked) });
  const turn = (on) => {
    box.checked = on;
    for (const control of part.element.querySelectorAll('input, select, textarea')) control.disabled = on;
  };
  turn(options.initial === null);
  return {
    element: h('div', { class: 'nullable' }, part.element, h('label', { class: 'check', for: id }, box, h('span', { class: 'muted small' }, 'No value (null)'))),
    value: () => (box.checked ? null : part.value()),
    peek: () => (box.checked ? null : part.peek()),
    set: (value) => { turn(value === null); part.set(value ?? undefined); },
    issue: (path, message) => part.issue(path, message),
  };
}

function union(variants, { label, help, root, initial, level = 0, required }) {
  const tagOf = (schema) => Object.entries(resolved(schema, root).properties ?? {}).find(([, inner]) => inner?.const !== undefined);
  // Where one field tells all variants apart, choosing its value chooses the variant.
  const tags = variants.map(tagOf);
  const told = tags.every((tag) => tag && tag[0] === tags[0][0]) ? tags[0][0] : undefined;
  const textOf = (value) => (typeof value === 'string' ? value : stringify(value));
  const nameOf = (schema, index) => {
    const kind = resolved(schema, root);
    const tag = tags[index];
    if (told && !kind.title) return textOf(tag[1].const);
    return kind.title ?? (tag ? `${tag[0]}: ${textOf(tag[1].const)}` : kind.const !== undefined ? stringify(kind.const) : kind.type ? String(kind.type) : `Kind ${index + 1}`);
  };
  const id = freshID();
  const body = h('div', { class: 'variant' });
  const select = h('select', { id, onchange: () => swap(Number(select.value)) }, variants.map((schema, index) => h('option', { value: String(index) }, nameOf(schema, index))));
  let part;
  let current;
  const turn = (index, value) => {
    current = index;
    select.value = String(index);
    part = schemaField(variants[index], { label: nameOf(variants[index], index), root, initial: value, required: true, isInline: true, told, level: level + 1 });
    put(body, part.element);
  };
  const fitting = (value) => {
    const index = variants.findIndex((schema) => mayHold(resolved(schema, root), value));
    return index < 0 ? 0 : index;
  };
  // What was typed for one kind is there again for it, and for others where they have fields of the same names.
  const typed = new Map();
  let named = {};
  const swap = (index) => {
    const value = part.peek();
    typed.set(current, value);
    if (value !== null && typeof value === 'object' && !Array.isArray(value)) named = objectOf([...Object.entries(named), ...Object.entries(value)]);
    const { properties } = resolved(variants[index], root);
    turn(index, !properties ? typed.get(index) : objectOf(Object.entries(properties)
      .filter(([name, inner]) => Object.hasOwn(named, name) && inner?.const === undefined && mayHold(resolved(inner, root), named[name]))
      .map(([name]) => [name, named[name]])));
  };
  turn(initial === undefined ? 0 : fitting(initial), initial);
  return {
    element: h('fieldset', { class: 'fields union' }, h('legend', null, label, !required && required !== undefined && h('span', { class: 'muted' }, ' (optional)')), help && h('p', { class: 'help' }, help),
      h('div', { class: 'field' }, h('label', { for: id }, told ?? 'Kind'), select), body),
    value: () => part.value(),
    peek: () => part.peek(),
    set: (value) => turn(value === undefined ? 0 : fitting(value), value),
    issue: (path, message) => part.issue(path, message),
  };
}

function array(schema, { label, help, root, initial, level = 0 }) {
  const entries = [];
  const list = h('div', { class: 'items' });
  const error = h('p', { class: 'field-error', role: 'alert' });
  const nameOf = (index) => plain(`${label} ${index + 1}`);
  const adder = button(`Add to ${label}`, { class: 'small add', onclick: () => add().element.querySelector('input, select, textarea')?.focus() }, 'plus');
  const add = (value) => {
    const name = nameOf(entries.length);
    const part = schemaField(schema.items, { label: name, root, initial: value, required: true, level: level + 1 });
    const away = iconButton('Remove', 'close', { class: 'item-remove', 'aria-label': `Remove ${name}`, onclick: () => remove(entry) });
    const entry = { part, away, name, row: h('div', { class: 'item' }, part.element, away) };
    entries.push(entry);
    list.append(entry.row);
    put(error);
    return part;
  };
  const remove = (entry) => {
    const at = entries.indexOf(entry);
    entries.splice(at, 1);
    (entries[at]?.away ?? entries[at - 1]?.away ?? adder).focus();
    entry.row.remove();
    put(error);
    entries.slice(at).forEach((one, index) => rename(one, nameOf(at + index)));
  };
  for (const value of Array.isArray(initial) ? initial : []) add(value);
  for (let index = entries.length; index < Math.min(Number(schema.minItems) || 0, 10); index += 1) add();
  const hints = [help, hintsOf(schema)].filter(Boolean).join(' · ');
  return {
    element: h('fieldset', { class: 'fields' }, h('legend', null, label), hints && h('p', { class: 'help' }, hints), list, error, adder),
    value: () => gathered(entries, ({ part }) => part.value()),
    peek: () => entries.map(({ part }) => part.peek()),
    set: (value) => { entries.length = 0; put(list); for (const item of Array.isArray(value) ? value : []) add(item); },
    issue: ([head, ...rest], message) => {
      if (head !== undefined) return entries[Number(head)]?.part.issue(rest, message) ?? false;
      put(error, message);
      return true;
    },
  };
}

/** Gives an entry of a list, and the button that removes it, the name of its new place. */
function rename(entry, name) {
  entry.away.setAttribute('aria-label', `Remove ${name}`);
  for (const { firstChild: text } of entry.part.element.querySelectorAll('legend, label, .label')) {
    if (text?.nodeType !== Node.TEXT_NODE || text.data !== entry.name) continue;
    text.data = name;
    break;
  }
  entry.name = name;
}
