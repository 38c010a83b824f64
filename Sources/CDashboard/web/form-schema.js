// The fields of forms that a JSON Schema wants.

import { h, plain, put } from './dom.js';
import { choice, fixed, freshID, jsonField, flag, scalar } from './form-fields.js';
import { isInteger, isNumber, own, stringify } from './json.js';
import { button, iconButton } from './widgets.js';

const unescaped = (part) => part.replaceAll('~1', '/').replaceAll('~0', '~');

/** A schema with its reference followed, as an object. */
export function resolved(schema, root, depth = 0) {
  if (schema === true || schema === undefined) return {};
  if (schema === false) return { not: {} };
  if (typeof schema.$ref === 'string' && schema.$ref.startsWith('#') && depth < 16) {
    let target = root;
    for (const part of schema.$ref.slice(1).split('/').slice(1)) target = target?.[decodeURIComponent(unescaped(part))];
    const { $ref, ...rest } = schema;
    return { ...resolved(target ?? {}, root, depth + 1), ...rest };
  }
  return schema;
}

/** The schemas of which one has to fit, or null. */
export const variantsOf = (schema) => {
  const list = schema.anyOf ?? schema.oneOf;
  if (list?.length) return list;
  if (Array.isArray(schema.type) && schema.type.length > 1) return schema.type.map((type) => ({ ...schema, type }));
  return null;
};

export const typeOf = (schema) => (Array.isArray(schema.type) ? schema.type[0] : schema.type ?? (schema.properties ? 'object' : schema.items ? 'array' : undefined));

/** What a schema wants that takes null besides a value without parts; null for any other schema. */
export function beyondNull(schema, root) {
  const variants = variantsOf(schema)?.map((one) => resolved(one, root));
  if (variants?.length !== 2 || schema.enum || schema.const !== undefined) return null;
  const isNull = ({ type, const: only }) => type === 'null' || only === null;
  const value = variants.find((one) => !isNull(one));
  if (!value || !variants.some(isNull) || variantsOf(value) || value.const !== undefined) return null;
  if (!value.enum && !['string', 'number', 'integer', 'boolean'].includes(typeOf(value))) return null;
  const { title = value.title, description = value.description, default: start = value.default } = schema;
  return { ...value, title, description, default: start };
}

const natural = new Intl.Collator(undefined, { numeric: true });

/** The names of an object's fields: what is needed stands first, each part in the order in which people count. */
export function namesOf(schema) {
  const required = new Set(schema.required ?? []);
  return Object.keys(schema.properties ?? {}).sort((one, other) => required.has(other) - required.has(one) || natural.compare(one, other));
}

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
    value: () => objectOf(entries.map(([name, part]) => [name, part.value()])),
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
  const select = h('select', { id, onchange: () => turn(Number(select.value)) }, variants.map((schema, index) => h('option', { value: String(index) }, nameOf(schema, index))));
  let part;
  const turn = (index, value) => {
    select.value = String(index);
    part = schemaField(variants[index], { label: nameOf(variants[index], index), root, initial: value, required: true, isInline: true, told, level: level + 1 });
    put(body, part.element);
  };
  const fitting = (value) => {
    const index = variants.findIndex((schema) => mayHold(resolved(schema, root), value));
    return index < 0 ? 0 : index;
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

function mayHold(schema, value) {
  if (schema.const !== undefined) return stringify(schema.const) === stringify(value);
  if (schema.type === 'object') {
    return value !== null && typeof value === 'object' && !Array.isArray(value)
      && Object.entries(schema.properties ?? {}).every(([name, inner]) => inner?.const === undefined || inner.const === value[name]);
  }
  if (schema.type === 'array') return Array.isArray(value);
  if (schema.type === 'null') return value === null;
  if (schema.type === 'integer') return isInteger(value);
  if (schema.type === 'number') return isNumber(value);
  return schema.type === undefined || schema.type === typeof value;
}

function array(schema, { label, help, root, initial, level = 0 }) {
  const parts = [];
  const list = h('div', { class: 'items' });
  const add = (value) => {
    const part = schemaField(schema.items, { label: `${label} ${parts.length + 1}`, root, initial: value, required: true, level: level + 1 });
    const row = h('div', { class: 'item' }, part.element, iconButton('Remove', 'close', {
      class: 'item-remove', 'aria-label': plain(`Remove ${label} ${parts.length + 1}`), onclick: () => { parts.splice(parts.indexOf(entry), 1); row.remove(); },
    }));
    const entry = { part, row };
    parts.push(entry);
    list.append(row);
    return part;
  };
  for (const value of Array.isArray(initial) ? initial : []) add(value);
  for (let index = parts.length; index < Math.min(Number(schema.minItems) || 0, 10); index += 1) add();
  return {
    element: h('fieldset', { class: 'fields' }, h('legend', null, label), help && h('p', { class: 'help' }, help), list,
      button(`Add to ${label}`, { class: 'small add', onclick: () => add().element.querySelector('input, select, textarea')?.focus() }, 'plus')),
    value: () => parts.map(({ part }) => part.value()),
    peek: () => parts.map(({ part }) => part.peek()),
    set: (value) => { parts.length = 0; put(list); for (const item of Array.isArray(value) ? value : []) add(item); },
    issue: ([head, ...rest], message) => parts[Number(head)]?.part.issue(rest, message) ?? false,
  };
}
